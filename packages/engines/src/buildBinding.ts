import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BINDING } from '@beit/installed';
import { messageOf } from '@beit/tensors';

/** The C++ compiler: the environment's `CXX`, or g++. */
export const compiler = (env: Readonly<Record<string, string | undefined>> = process.env): string =>
  env.CXX || 'g++';

/** @throws with what to install, where there is no C++ compiler */
export async function assertCompiler(program: string): Promise<void> {
  try {
    await promisify(execFile)(program, ['--version']);
  } catch (cause) {
    throw new Error(
      `The binding is built here, which needs a C++ compiler: '${program}' does not run. On Debian and Ubuntu: ` +
        'sudo apt-get install g++. On Fedora: sudo dnf install gcc-c++. Another compiler: its name in CXX.',
      { cause },
    );
  }
}

export interface BindingSources {
  /** The unpacked package @tensorflow/tfjs-node. */
  readonly package: string;
  /** The folder of Node's `node_api.h`. */
  readonly nodeHeaders: string;
  /** The folder of `tensorflow/c/c_api.h`. */
  readonly tensorflowHeaders: string;
  /** The folder of libtensorflow, where the binding goes too. */
  readonly libraries: string;
}

/**
 * Builds tfjs-node's binding, unmodified, against a libtensorflow. What its binding.gyp says, in one command: no
 * node-gyp, no Python. The binding calls Node through Node-API and TensorFlow through its C API only, both of which
 * are stable, so that one file serves every Node.
 *
 * @throws with the compiler's messages when it fails
 */
export async function buildBinding(sources: BindingSources, signal?: AbortSignal): Promise<void> {
  const program = compiler();
  const args = [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-DNAPI_VERSION=8',
    '-DNODE_GYP_MODULE_NAME=tfjs_binding',
    `-I${sources.nodeHeaders}`,
    `-I${sources.tensorflowHeaders}`,
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(sources.package, 'binding', file)),
    '-o',
    join(sources.libraries, BINDING),
    `-L${sources.libraries}`,
    '-l:libtensorflow_cc.so.2',
    '-l:libtensorflow_framework.so.2',
    '-Wl,-rpath,$ORIGIN',
  ];
  try {
    await promisify(execFile)(program, args, { ...(signal ? { signal } : {}), maxBuffer: 2 ** 24 });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new Error(`The binding could not be built. ${messageOf(cause).trim()}`, { cause });
  }
}
