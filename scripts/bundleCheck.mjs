// Puts `beit-engine check` into a folder for machines without Node and network: Linux on x64.
// usage: node scripts/bundleCheck.mjs OUT [--node PROGRAM]
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

const MOST_BYTES = 60e6;
/** Distributions build a Node that is a few kilobytes and a library beside; nodejs.org's is whole. */
const LEAST_NODE_BYTES = 40e6;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const engines = join(root, 'packages/engines');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: 'string', default: process.execPath } },
});
if (positionals.length !== 1) throw new Error('usage: node scripts/bundleCheck.mjs OUT [--node PROGRAM]');
const out = resolve(positionals[0]);
if (existsSync(out) && readdirSync(out).length > 0) throw new Error(`${out} is not empty.`);
mkdirSync(out, { recursive: true });

function run(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
}

// The program, with the numbers that it compares with.
const tsup = createRequire(join(root, 'package.json')).resolve('tsup/package.json');
run(
  process.execPath,
  [join(dirname(tsup), 'dist/cli-default.js'), '--config', 'tsup.check.config.ts', '--out-dir', out],
  engines,
);
writeFileSync(join(out, 'package.json'), '{ "type": "module", "private": true }\n');
cpSync(join(root, 'LICENSE'), join(out, 'LICENSE'));
cpSync(join(root, 'scripts/check.sh'), join(out, 'check.sh'));
chmodSync(join(out, 'check.sh'), 0o755);

// What calls libraries: its JavaScript, and the binary for this system alone.
const koffi = realpathSync(join(engines, 'node_modules/koffi'));
for (const part of ['package.json', 'LICENSE.txt', 'index.js', 'index.cjs', 'src/koffi']) {
  cpSync(join(koffi, part), join(out, 'node_modules/koffi', part), {
    recursive: true,
    filter: (path) => statSync(path).isDirectory() || /\.(?:c?js|json|txt)$/.test(path),
  });
}
const binary = '@koromix/koffi-linux-x64';
for (const file of ['package.json', 'index.js', 'linux_x64/koffi.node']) {
  cpSync(join(koffi, '..', binary, file), join(out, 'node_modules', binary, file));
}

// Node, without what only debuggers read.
const scratch = mkdtempSync(join(tmpdir(), 'beit-bundle-'));
try {
  const node = join(scratch, 'node');
  cpSync(realpathSync(values.node), node);
  if (statSync(node).size < LEAST_NODE_BYTES) {
    throw new Error(`${values.node} needs libraries of its own; --node names one from https://nodejs.org.`);
  }
  if (spawnSync('strip', ['--version']).status === 0) run('strip', [node], scratch);
  writeFileSync(join(out, 'node.gz'), gzipSync(readFileSync(node), { level: 9 }));
} finally {
  rmSync(scratch, { recursive: true });
}

const bytes = readdirSync(out, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
console.log(`${out}: ${(bytes / 1e6).toFixed(1)} MB. On the other machine: ./check.sh --help`);
if (bytes > MOST_BYTES) throw new Error(`That is more than ${MOST_BYTES / 1e6} MB.`);
