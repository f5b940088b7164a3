#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  DamagedEngineError,
  engineDamage,
  engineFolder,
  findOpenvino,
  findPjrtPlugins,
  INSTALLABLE,
  type Installable,
  installCommand,
  installRecord,
  isThere,
  type OpenvinoLocation,
  PJRT_DEVICES,
  type PjrtDevice,
  type PjrtLocation,
} from '@beit/installed';
import { endWithReader, type ProgressReporter, passProgress, terminalProgress } from '@beit/progress';
import { messageOf } from '@beit/tensors';
import { assertArguments } from './assertArguments';
import { installOpenvino, OPENVINO_VERSION } from './installOpenvino';
import { installTensorflow, TENSORFLOW_VERSIONS } from './installTensorflow';
import { installXla, XLA_VERSIONS } from './installXla';
import { removeEngine } from './removeEngine';

const HELP = `Usage: beit-engine COMMAND

  install openvino [--version V]   brings OpenVINO's CPU runtime into your cache, in place of another version or
                                   a damaged one
  install tensorflow [--gpu] [--version V]
                                   builds tfjs-node's binding against the libtensorflow of a TensorFlow wheel; with
                                   --gpu, of one for NVIDIA GPUs, and CUDA 12 (about 3 GB). Needs Linux, g++ and npm
  install xla --cuda|--cuda12|--cuda13|--rocm|--tpu|--oneapi|--cpu [--version V]
                                   brings XLA's plugin for these devices. NVIDIA: with CUDA (2 to 3 GB), --cuda with
                                   the newest that the driver can run. Intel: with oneAPI. AMD: ROCm must be there.
                                   Needs Linux
  check [--device D] [--python P]  what XLA does on this machine: its numbers, its speed, a checkpoint, two devices; as
                                   tables to be pasted into an issue. 'check --help' tells more
  list                             the engines found here: version, place, whether they are whole, how to remove them
  remove NAME                      removes what install brought

Wheels come from the package index that pip is configured for (PIP_INDEX_URL, pip.conf; else PyPI), through
HTTPS_PROXY, with certificates from PIP_CERT, SSL_CERT_FILE or NODE_EXTRA_CA_CERTS. The default versions are taken by
the sha256 that this program knows, others by the one that the index gives.

  --version V   a release, or the beginning of one; the defaults: OpenVINO ${OPENVINO_VERSION}, TensorFlow
                ${TENSORFLOW_VERSIONS.cpu}, with --gpu ${TENSORFLOW_VERSIONS.gpu}, XLA ${XLA_VERSIONS.cpu}, with --tpu ${XLA_VERSIONS.tpu}
  -h, --help    this text

Your cache: BEIT_CACHE, else XDG_CACHE_HOME/beit, ~/Library/Caches/beit or LOCALAPPDATA\\beit.`;

async function main(): Promise<void> {
  // pnpm hands on a '--' that separates its own options.
  const args = process.argv.slice(2).filter((argument) => argument !== '--');
  if (args[0] === 'check') return check(args.slice(1));
  const config = {
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'string' },
      gpu: { type: 'boolean' },
      cuda: { type: 'boolean' },
      cuda12: { type: 'boolean' },
      cuda13: { type: 'boolean' },
      rocm: { type: 'boolean' },
      tpu: { type: 'boolean' },
      oneapi: { type: 'boolean' },
      cpu: { type: 'boolean' },
    },
  } as const;
  assertArguments(config);
  const { values, positionals } = parseArgs(config);
  const [command, name, ...rest] = positionals;
  if (values.help || command === undefined) {
    console.log(HELP);
    process.exitCode = values.help ? 0 : 1;
    return;
  }
  if (rest.length > 0) throw new Error(`'${rest.join(' ')}' is too much after '${command} ${name}'.`);
  if (command === 'list') return list();
  const { help: _, version, ...flags } = values;
  const variants = Object.keys(flags);
  if (command === 'install') return install(installable(name, variants), variants, version);
  if (command === 'remove') return remove(installable(name, variants));
  throw new Error(
    `There is no command '${command}'. Commands: install, check, list, remove; --help tells more.`,
  );
}

/** The engine of a name and flags: `tensorflow --gpu` is tensorflow-gpu, `xla --cuda12` is xla-cuda. */
function installable(name: string | undefined, variants: readonly string[]): Installable {
  const [variant] = variants;
  let asked = name;
  if (variant !== undefined) {
    const base = variant === 'gpu' ? 'tensorflow' : 'xla';
    asked = `${base}-${variant.replace(/\d+$/, '')}`;
    if (name !== base && name !== asked) throw new Error(`--${variant} goes with '${base}'.`);
    if (variants.length > 1) throw new Error(`--${variants.join(' and --')} are too much; one is expected.`);
  } else if (name === 'xla') {
    throw new Error(`For which devices? ${DEVICE_FLAGS}, --cuda12 or --cuda13 is expected.`);
  }
  const found = INSTALLABLE.find((known) => known === asked);
  if (found === undefined) {
    throw new Error(
      `${name === undefined ? 'A name is missing' : `There is no '${name}'`}; expected ${INSTALLABLE.join(' or ')}.`,
    );
  }
  return found;
}

const DEVICE_FLAGS = PJRT_DEVICES.map((device) => `--${device}`).join(', ');

/** The device of `xla-DEVICE`, and undefined for other engines. */
const deviceOf = (name: Installable): PjrtDevice | undefined =>
  PJRT_DEVICES.find((device) => name === `xla-${device}`);

async function install(
  name: Installable,
  variants: readonly string[],
  version: string | undefined,
): Promise<void> {
  const controller = new AbortController();
  const stop = () => controller.abort(new Error('Interrupted; what was there before is untouched.'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const progress = terminalProgress();
  try {
    const options = {
      ...(version === undefined ? {} : { version }),
      signal: controller.signal,
      onMessage: progress.message,
      startProgress: () => downloadProgress(name, progress),
    };
    const device = deviceOf(name);
    const cuda = variants.includes('cuda12') ? 12 : variants.includes('cuda13') ? 13 : undefined;
    const folder = device
      ? await installXla({ ...options, device, ...(cuda && { cuda }) })
      : name === 'openvino'
        ? await installOpenvino(options)
        : await installTensorflow({ ...options, gpu: name === 'tensorflow-gpu' });
    const record = await installRecord(name);
    console.log(`${name} ${record?.version} is in ${folder}\nTo remove it: npx @beit/engines remove ${name}`);
  } finally {
    progress.stop();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** A program of its own, because it brings TensorFlow.js, which nothing else here needs. */
async function check(args: readonly string[]): Promise<void> {
  const [extension] = /\.[jt]s$/.exec(import.meta.url) ?? ['.js'];
  const program = fileURLToPath(new URL(`./check${extension}`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], { stdio: 'inherit' });
  const [status] = await once(child, 'close');
  process.exitCode = status ?? 1;
}

/** A bar in megabytes, which ends with the download. */
function downloadProgress(name: string, progress: ProgressReporter) {
  const update = passProgress(name, progress.update, 'MB');
  return (done: number, total = Number.POSITIVE_INFINITY) => {
    update(done / 1e6, total / 1e6);
    if (done === total) progress.stop();
  };
}

async function remove(name: Installable): Promise<void> {
  const removed = await removeEngine(name);
  console.log(
    removed ? `Removed ${engineFolder(name)}` : `${name} is not installed in ${engineFolder(name)}.`,
  );
}

const REMOVE_HINTS: Readonly<Record<OpenvinoLocation['source'], string>> = {
  folder: 'given by BEIT_OPENVINO; yours to remove',
  installed: 'to remove it: npx @beit/engines remove openvino',
  'openvino-node': 'to remove it: npm uninstall openvino-node',
  python: 'to remove it: pip uninstall openvino',
  system: "to remove it: your system's package manager",
};

async function list(): Promise<void> {
  const openvino = await findOpenvino().catch((error: unknown) => {
    if (error instanceof DamagedEngineError) return undefined;
    throw error;
  });
  const rows = [
    openvino
      ? ['openvino', openvino.version ?? 'unknown', openvino.library, REMOVE_HINTS[openvino.source]]
      : await folderRow('openvino'),
    await folderRow('tensorflow'),
    await folderRow('tensorflow-gpu'),
    ...(await xlaRows(await findPjrtPlugins())),
  ];
  for (const row of rows) {
    const name = INSTALLABLE.find((known) => row[0] === known && row[2]?.startsWith(engineFolder(known)));
    const [damage] = name === undefined ? [] : await engineDamage(name, 'contents');
    if (name && damage) row[3] = `damaged: ${damage}; to install it anew: ${installCommand(name)}`;
  }
  for (const [name, version, place, hint] of rows) {
    console.log(`${name!.padEnd(15)} ${version!.padEnd(10)} ${place}\n${' '.repeat(16)}${hint}`);
  }
}

/** What the folder of an engine says, be there all of the engine or not; how to get one that is not there. */
async function folderRow(name: Installable): Promise<string[]> {
  if (!(await isThere(name))) return [name, 'not found', '', `to install it: ${installCommand(name)}`];
  const record = await installRecord(name).catch(() => undefined);
  const hint = `to remove it: npx @beit/engines remove ${name}`;
  return [name, record?.version ?? 'unknown', engineFolder(name), hint];
}

/** What is found for each device, and how to get what is not. */
async function xlaRows(found: readonly PjrtLocation[]): Promise<string[][]> {
  const rows: string[][] = [];
  for (const device of PJRT_DEVICES) {
    const name = `xla-${device}` as const;
    const plugins = found.filter((plugin) => plugin.device === device);
    if (plugins.length === 0) rows.push(await folderRow(name));
    for (const { version = 'unknown', library, source, ready } of plugins) {
      const hint = {
        given: 'given by BEIT_PJRT; yours to remove',
        installed: `to remove it: npx @beit/engines remove ${name}`,
        python: 'to remove it: pip uninstall',
      }[source];
      const unseen = ready ? '' : '; no such device is seen here, or its driver is too old';
      rows.push([name, version, library, `${hint}${unseen}`]);
    }
  }
  return rows;
}

endWithReader();
main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
