import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineFolder, here, type Surroundings, TFJS_SYMBOL } from '@beit/installed';
import { makeFolder } from '@beit/tensors';
import { assertCompiler, buildBinding, compiler } from './buildBinding';
import { isInstalled } from './isInstalled';
import { type NpmPackage, unpackNpmPackage } from './npmPackage';
import { replaceEngine } from './replaceEngine';
import { unpackZip } from './unpackZip';
import { type Requirement, requirementsOfExtra } from './versions';
import { type InstallOptions, type WheelOptions, wheelOptions, withWheel } from './withWheel';

/** The releases of TensorFlow that this package is tested with. */
export const TENSORFLOW_VERSIONS = { cpu: '2.15.1', gpu: '2.21.0' } as const;

const TFJS_NODE: NpmPackage = {
  name: '@tensorflow/tfjs-node',
  version: '4.22.0',
  integrity:
    'sha512-uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
};
/** tfjs-node's backend asks for it (its summaries are protocol buffers). */
const PROTOBUF: NpmPackage = {
  name: 'google-protobuf',
  version: '3.21.4',
  integrity:
    'sha512-MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==',
};
const NODE_HEADERS: NpmPackage = {
  name: 'node-api-headers',
  version: '1.9.0',
  integrity:
    'sha512-2oNILP4jXwRB4ywnYKjVk1YyJ96n2D4EOVJO6S3oYZ5PtbJrw3Yt9TpAuX3nBLMuzn74rnfGQrv13pS9vC+YiA==',
};

/** Bytes: TensorFlow's wheels have up to 0.7 GB and 1.3 GB unpacked, NVIDIA's up to 0.8 and 1.2. */
const LARGEST_WHEEL = 2 * 2 ** 30;
const LARGEST_UNPACKED = 4 * 2 ** 30;

/** The two libraries, and what of the headers the binding includes, directly or not. */
export function selectTensorflowFile(name: string): string | undefined {
  const library = /^tensorflow\/libtensorflow_(?:cc|framework)\.so\.2$/.test(name);
  const header =
    /^tensorflow\/include\/(?:tensorflow\/c|tensorflow\/core\/platform|tensorflow\/tsl|tsl|xla\/tsl)\/.*\.h$/.test(
      name,
    );
  const license = /^tensorflow[^/]*\.dist-info\/(?:LICENSE|licenses\/.+)$/.test(name);
  const metadata = /^tensorflow[^/]*\.dist-info\/METADATA$/.test(name);
  if (metadata) return 'METADATA';
  return library || header || license ? name : undefined;
}

/** CUDA's libraries, in the places where TensorFlow's own search path leads: `nvidia/NAME/lib` beside `tensorflow`. */
export const selectCudaFile = (name: string): string | undefined =>
  /^nvidia\/\w+\/lib\/[^/]+\.so[.\d]*$/.test(name) || /\.dist-info\/(?:licenses\/)?License[^/]*$/i.test(name)
    ? name
    : undefined;

export interface TensorflowInstallOptions extends InstallOptions {
  /** With CUDA's libraries, for an NVIDIA GPU. Default false. */
  readonly gpu?: boolean;
  /** A release of TensorFlow, or the beginning of one. */
  readonly version?: string;
}

/**
 * Builds TensorFlow.js's own native engine here: tfjs-node's unmodified binding and kernels, on the libtensorflow of a
 * TensorFlow wheel from the package index. tfjs-node itself would bring libtensorflow 2.9.1 and, on GPUs, want CUDA
 * 11.2; with `gpu` this takes a TensorFlow of today and the CUDA 12 that `pip install tensorflow[and-cuda]` would
 * bring beside it.
 *
 * @returns the engine's folder: `tensorflow` (libraries and binding), `tfjs-node` (kernels), `node_modules`
 * @throws where it can't be built: another system than Linux, no C++ compiler, no npm
 */
export async function installTensorflow(
  { gpu = false, version: asked, ...given }: TensorflowInstallOptions = {},
  surroundings: Surroundings = here(),
): Promise<string> {
  const version = asked ?? TENSORFLOW_VERSIONS[gpu ? 'gpu' : 'cpu'];
  const options = wheelOptions(given, asked);
  const { platform, arch } = surroundings;
  const name = gpu ? 'tensorflow-gpu' : 'tensorflow';
  if (await isInstalled(name, (there) => there.version === version, options, surroundings)) {
    return engineFolder(name, surroundings);
  }
  if (platform !== 'linux' || (gpu && arch !== 'x64')) {
    throw new Error(
      `The engine '${name}' is built on Linux${gpu ? ' with an x64 processor' : ''} only; this is ${platform} ${arch}. ` +
        `Elsewhere install @tensorflow/tfjs-node and import it before: the engine 'tensorflow' takes it.`,
    );
  }
  await assertCompiler(compiler(surroundings.env));
  // The CPU wheel for x64 has its own name; it is less than half the size.
  const project = !gpu && arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
  const { signal, onMessage } = options;
  return replaceEngine(
    name,
    async (folder) => {
      const headers = join(folder, 'node-api-headers');
      const sources = {
        package: join(folder, 'tfjs-node'),
        nodeHeaders: join(headers, 'include'),
        tensorflowHeaders: join(folder, 'tensorflow', 'include'),
        libraries: join(folder, 'tensorflow'),
      };
      onMessage?.(`${TFJS_NODE.name} ${TFJS_NODE.version} from npm`);
      await unpackNpmPackage(TFJS_NODE, sources.package, { signal });
      await unpackNpmPackage(PROTOBUF, join(folder, 'node_modules', PROTOBUF.name), { signal });
      await unpackNpmPackage(NODE_HEADERS, headers, { signal });
      await provideTfjs(folder);
      const wheel = await withWheel(
        project,
        version,
        LARGEST_WHEEL,
        async ({ path, wheel }) => {
          onMessage?.('Unpacking');
          await unpackZip(path, folder, { select: selectTensorflowFile, largest: LARGEST_UNPACKED, signal });
          return wheel;
        },
        options,
        surroundings,
      );
      if (gpu) await addCuda(folder, options, surroundings);
      onMessage?.('Building the binding');
      await buildBinding(sources, signal);
      for (const used of [headers, sources.tensorflowHeaders]) await rm(used, { recursive: true });
      return { version: wheel.version, file: wheel.filename, sha256: wheel.sha256 };
    },
    surroundings,
  );
}

/** The rest are compilers, which only XLA uses; eager execution does not. */
export const isUsedByTensorflow = ({ project }: Requirement): boolean =>
  !project.startsWith('nvidia-cuda-nvcc');

/** What `pip install tensorflow[and-cuda]` would bring beside TensorFlow, libraries only. */
async function addCuda(folder: string, options: WheelOptions, surroundings: Surroundings): Promise<void> {
  const metadata = await readFile(join(folder, 'METADATA'), 'utf8');
  const requirements = requirementsOfExtra(metadata, 'and-cuda');
  if (requirements.length === 0) {
    throw new Error("This TensorFlow names no CUDA libraries (its extra 'and-cuda'); 2.15 and later do.");
  }
  for (const { project, versions } of requirements.filter(isUsedByTensorflow)) {
    await withWheel(
      project,
      versions,
      LARGEST_WHEEL,
      async ({ path }) => {
        await unpackZip(path, folder, {
          select: selectCudaFile,
          largest: LARGEST_UNPACKED,
          signal: options.signal,
        });
      },
      options,
      surroundings,
    );
  }
}

/**
 * tfjs-node's files ask for '@tensorflow/tfjs', one of them for its core; what they get is the one that the running
 * program uses, wherever that lives, so that there is one TensorFlow.js and not two.
 */
async function provideTfjs(folder: string): Promise<void> {
  for (const name of ['tfjs', 'tfjs-core']) {
    const stub = join(folder, 'node_modules', '@tensorflow', name);
    await makeFolder(stub);
    await writeFile(join(stub, 'index.js'), `module.exports = globalThis[Symbol.for('${TFJS_SYMBOL}')];\n`);
  }
}
