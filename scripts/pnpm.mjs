// Brings the pinned pnpm, installs the workspace once, then runs pnpm with the arguments given.
// So `npm start` and `npm test` need nothing but Node and npm.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old: this workspace needs Node 20.19 or newer.`);
  process.exit(1);
}

function pnpm(args) {
  const command = ['--yes', packageManager, ...args];
  const shell = process.platform === 'win32';
  // An npx above us (`npx -p node@26 npm test`) passes its own --package on, which would replace pnpm here.
  const { npm_config_package: _, ...env } = process.env;
  const { status, signal } = spawnSync('npx', command, { cwd: root, env, stdio: 'inherit', shell });
  if (signal) process.kill(process.pid, signal);
  return status ?? 1;
}

/** The install is current when pnpm's own record is newer than the lock file. */
function isInstalled() {
  const record = join(root, 'node_modules', '.modules.yaml');
  return existsSync(record) && statSync(record).mtimeMs >= statSync(join(root, 'pnpm-lock.yaml')).mtimeMs;
}

const args = process.argv.slice(2);
if (args[0] !== 'install' && !isInstalled()) {
  const status = pnpm(['install', '--frozen-lockfile']);
  if (status !== 0) process.exit(status);
}
process.exit(pnpm(args));
