import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { availableEngines } from '../src';

const observable = process.platform === 'linux' && availableParallelism() > 1;

(observable ? test : test.skip)(
  'programs of one thread are bound to no processor, where another process would bind itself too',
  async () => {
    if (!(await availableEngines()).includes('openvino')) {
      if (process.env.CI) throw new Error('OpenVINO is not installed.');
      return;
    }
    // Programs of other tests in this process may have bound its threads.
    const script = join(__dirname, 'boundThreads.ts');
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--conditions=@beit/source', '--import', 'tsx', script],
      { encoding: 'utf8', cwd: join(__dirname, '../../..') },
    );
    expect(stderr).not.toMatch(/Error/);
    const { looks, bound } = JSON.parse(stdout);
    expect(looks).toBeGreaterThan(1);
    expect(bound).toEqual([]);
  },
);
