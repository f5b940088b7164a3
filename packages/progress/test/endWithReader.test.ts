import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Writes without end, and what it would say of its own end on stderr. */
const PROGRAM = `import { endWithReader } from ${JSON.stringify(join(__dirname, '../src/endWithReader.ts'))};
endWithReader();
setInterval(() => console.log('a line'.repeat(1000)), 1);`;

test('a program ends quietly with the reader of its output', async () => {
  const program = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', PROGRAM], {
    cwd: join(__dirname, '../../..'),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  program.stderr.on('data', (text) => {
    complaints += text;
  });
  await once(program.stdout, 'data');
  program.stdout.destroy();
  const [status] = await once(program, 'close');
  expect([status, complaints]).toEqual([141, '']);
});
