import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';

const observable = process.platform === 'linux' && availableParallelism() > 1;

whereInstalled('OpenVINO', () => {
  (observable ? test : test.skip)(
    'programs of one thread are bound to no processor, where another process would bind itself too',
    () => {
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
});
