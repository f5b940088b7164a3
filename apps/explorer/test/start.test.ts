import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

test('help is shown, and nothing is served', () => {
  const start = ['--conditions=@beit/source', '--import', 'tsx', 'scripts/start.ts', '--', '--help'];
  const { status, stdout } = spawnSync('node', start, {
    cwd: join(__dirname, '..'),
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(stdout).toMatch(/^Usage: pnpm --filter explorer start[\s\S]*--port N/);
  expect(status).toBe(0);
});
