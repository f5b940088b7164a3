/**
 * onnxruntime's C library, called directly. The package's own binding runs on the thread that calls it, and copies
 * every output, which for a training step are all parameters and moments.
 * Reference: onnxruntime_c_api.h, https://onnxruntime.ai/docs/api/c/struct_ort_api.html
 */
import type { Koffi } from '../koffi';

/** An object of the library. */
export type Handle = unknown;

/** A tensor of the library, over the memory of `data` where that is given. */
export interface Tensor {
  readonly handle: Handle;
  readonly data?: ArrayBufferView;
}
/** What a run reads and writes, by name. */
export interface Binding {
  readonly handle: Handle;
  readonly tensors: Map<string, Tensor>;
}

/**
 * The functions of the library that programs need, each throwing the library's own message when it fails. What is made
 * has to be released; memory that a binding's tensors lie over lives as long as the binding.
 */
export interface OnnxruntimeLibrary {
  readonly version: string;
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Handle>;
  /** A tensor over an array's own memory. */
  tensor(type: ElementType, shape: readonly number[], data: ArrayBufferView): Tensor;
  /** What takes memory of a session's device, by the library's name for it, such as `Cuda`. */
  createAllocator(session: Handle, memory: string): Handle;
  /** A tensor in memory of the library, to be released before its allocator. */
  allocatedTensor(allocator: Handle, type: ElementType, shape: readonly number[]): Tensor;
  createBinding(session: Handle): Binding;
  bindInput(binding: Binding, name: string, tensor: Tensor): void;
  bindOutput(binding: Binding, name: string, tensor: Tensor): void;
  /** Runs on a thread of its own. */
  run(session: Handle, binding: Binding): Promise<void>;
  /** Writes the profile of a session that keeps one. */
  endProfiling(session: Handle): void;
  releaseSession(session: Handle): void;
  releaseTensor(tensor: Tensor): void;
  releaseAllocator(allocator: Handle): void;
  releaseBinding(binding: Binding): void;
}

export interface SessionOptions {
  /** What runs the ops; those that it does not have run on the CPU. */
  readonly provider?: 'CUDA' | 'WebGPU';
  readonly numThreads?: number;
  /** What the name of the profile's file begins with. */
  readonly profile?: string;
}

/** The library's numbers for element types. */
const ELEMENT_TYPES = { float32: 1, int32: 6, bool: 9 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

/** The functions' table that has all of those below is that of onnxruntime 1.16 and newer. */
const API_VERSION = 16;

/** Functions by their place in the table that the library hands out; new ones are only ever added at its end. */
const FUNCTIONS = {
  GetErrorMessage: [2, 'const char*', 'void*'],
  CreateEnv: [3, 'void*', 'int', 'const char*', 'MADE'],
  CreateSessionFromArray: [8, 'void*', 'void*', 'const uint8_t*', 'size_t', 'void*', 'MADE'],
  CreateSessionOptions: [10, 'void*', 'MADE'],
  EnableProfiling: [14, 'void*', 'void*', 'PATH'],
  DisableMemPattern: [17, 'void*', 'void*'],
  SetSessionLogSeverityLevel: [22, 'void*', 'void*', 'int'],
  SetSessionGraphOptimizationLevel: [23, 'void*', 'void*', 'int'],
  SetIntraOpNumThreads: [24, 'void*', 'void*', 'int'],
  CreateTensorAsOrtValue: [48, 'void*', 'void*', 'const int64_t*', 'size_t', 'int', 'MADE'],
  CreateTensorWithDataAsOrtValue: [
    49,
    'void*',
    ...['void*', 'void*', 'size_t', 'const int64_t*', 'size_t', 'int', 'MADE'],
  ],
  CreateMemoryInfo: [68, 'void*', 'const char*', 'int', 'int', 'int', 'MADE'],
  AllocatorFree: [76, 'void*', 'void*', 'void*'],
  GetAllocatorWithDefaultOptions: [78, 'void*', 'MADE'],
  ReleaseStatus: [93, 'void', 'void*'],
  ReleaseMemoryInfo: [94, 'void', 'void*'],
  ReleaseSession: [95, 'void', 'void*'],
  ReleaseValue: [96, 'void', 'void*'],
  ReleaseSessionOptions: [100, 'void', 'void*'],
  SessionEndProfiling: [110, 'void*', 'void*', 'void*', 'MADE'],
  CreateAllocator: [131, 'void*', 'void*', 'void*', 'MADE'],
  ReleaseAllocator: [132, 'void', 'void*'],
  RunWithBinding: [133, 'void*', 'void*', 'void*', 'void*'],
  CreateIoBinding: [134, 'void*', 'void*', 'MADE'],
  ReleaseIoBinding: [135, 'void', 'void*'],
  BindInput: [136, 'void*', 'void*', 'const char*', 'void*'],
  BindOutput: [137, 'void*', 'void*', 'const char*', 'void*'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, 'void*', 'void*', 'void*'],
  CreateCUDAProviderOptions: [205, 'void*', 'MADE'],
  ReleaseCUDAProviderOptions: [208, 'void', 'void*'],
  SessionOptionsAppendExecutionProvider: [
    216,
    'void*',
    ...['void*', 'const char*', 'const char**', 'const char**', 'size_t'],
  ],
} as const satisfies Record<string, readonly [place: number, returned: string, ...parameters: string[]]>;
const TABLE_LENGTH = 217;

type NativeFunction = ReturnType<ReturnType<Koffi['load']>['func']>;
type Api = Readonly<Record<keyof typeof FUNCTIONS, NativeFunction>>;

function functionsOf(koffi: Koffi, table: Handle): Api {
  const pointers = koffi.decode(table, 'void*', TABLE_LENGTH) as Handle[];
  const types = {
    MADE: koffi.out(koffi.pointer('void*')),
    PATH: process.platform === 'win32' ? 'const char16_t*' : 'const char*',
  } as const;
  const typeOf = (name: string) => types[name as keyof typeof types] ?? name;
  return Object.fromEntries(
    Object.entries(FUNCTIONS).map(([name, [place, returned, ...parameters]]) => [
      name,
      koffi.decode(pointers[place], koffi.proto(returned, parameters.map(typeOf))),
    ]),
  ) as Api;
}

const loaded = new Map<string, { readonly library: unknown; readonly functions: OnnxruntimeLibrary }>();

/**
 * Loads the library, once.
 *
 * @param path of `libonnxruntime`
 * @throws when it can't be loaded or is too old
 */
export function loadOnnxruntime(koffi: Koffi, path: string): OnnxruntimeLibrary {
  const known = loaded.get(path);
  if (known) return known.functions;
  const library = koffi.load(path);
  const [getApi, getVersion] = koffi.decode(library.func('void* OrtGetApiBase()')(), 'void*', 2) as Handle[];
  const version = koffi.call(getVersion, koffi.proto('const char*', [])) as string;
  const table = koffi.call(getApi, koffi.proto('void*', ['uint32_t']), API_VERSION) as Handle;
  if (table === null) {
    throw new Error(
      `The onnxruntime library ${path} is version ${version}; expected 1.${API_VERSION} or newer.`,
    );
  }
  const functions = onnxruntimeLibrary(functionsOf(koffi, table), version);
  // koffi unloads a library that nothing refers to, and the functions don't.
  loaded.set(path, { library, functions });
  return functions;
}

const OPTIMIZE_NOTHING = 0;
const OPTIMIZE_ALL = 99;
/** Only what ends the process: all else comes back as the message of an error. */
const LOG_SEVERITY = 4;

function onnxruntimeLibrary(api: Api, version: string): OnnxruntimeLibrary {
  /** A status is an object where something failed. */
  function check(status: Handle, doing: string): void {
    if (status === null) return;
    const message = api.GetErrorMessage(status) as string;
    api.ReleaseStatus(status);
    throw new Error(`onnxruntime ${version} failed ${doing}: ${message}`);
  }
  /** Calls a function whose last parameter gives the made object. */
  function made(doing: string, call: (out: [Handle]) => Handle): Handle {
    const out: [Handle] = [null];
    check(call(out), doing);
    return out[0];
  }
  /** The same on a thread of its own. `kept` is kept alive until it is done, which koffi does for no memory. */
  const later = (kept: unknown, call: NativeFunction, ...args: unknown[]): Promise<Handle> =>
    new Promise((resolve, reject) => {
      const alive = { kept, resolve, reject };
      call.async(...args, (error: Error | null, status: Handle) =>
        error ? alive.reject(error) : alive.resolve(status),
      );
    });

  const env = made('starting', (out) => api.CreateEnv(LOG_SEVERITY, 'beit', out));
  const memoryInfo = (name: string) =>
    made(`naming the memory '${name}'`, (out) => api.CreateMemoryInfo(name, 0, 0, 0, out));
  const hostMemory = memoryInfo('Cpu');
  const dims = (shape: readonly number[]) => BigInt64Array.from(shape, BigInt);

  function addProvider(options: Handle, provider: 'CUDA' | 'WebGPU') {
    const doing = `starting its provider ${provider}`;
    if (provider === 'WebGPU') {
      check(api.SessionOptionsAppendExecutionProvider(options, provider, [], [], 0), doing);
      return;
    }
    const settings = made(doing, (out) => api.CreateCUDAProviderOptions(out));
    try {
      check(api.SessionOptionsAppendExecutionProvider_CUDA_V2(options, settings), doing);
    } finally {
      api.ReleaseCUDAProviderOptions(settings);
    }
  }

  return {
    version,
    async createSession(model, { provider, numThreads, profile } = {}) {
      const options = made('preparing', (out) => api.CreateSessionOptions(out));
      try {
        check(api.SetSessionLogSeverityLevel(options, LOG_SEVERITY), 'preparing');
        // Measured: the same speed, and a third less memory.
        check(api.DisableMemPattern(options), 'preparing');
        // Programs come optimized, in the form that its kernels for CPUs run fastest.
        const level = provider ? OPTIMIZE_ALL : OPTIMIZE_NOTHING;
        check(api.SetSessionGraphOptimizationLevel(options, level), 'preparing');
        if (provider) addProvider(options, provider);
        if (numThreads !== undefined) check(api.SetIntraOpNumThreads(options, numThreads), 'preparing');
        if (profile !== undefined) check(api.EnableProfiling(options, profile), 'preparing');
        const session: [Handle] = [null];
        const args = [env, model, model.length, options, session];
        const status = await later(model, api.CreateSessionFromArray, ...args);
        check(status, 'compiling the program');
        return session[0];
      } finally {
        api.ReleaseSessionOptions(options);
      }
    },
    tensor: (type, shape, data) => ({
      handle: made('wrapping a tensor', (out) =>
        api.CreateTensorWithDataAsOrtValue(
          ...[hostMemory, data, data.byteLength, dims(shape), shape.length, ELEMENT_TYPES[type], out],
        ),
      ),
      data,
    }),
    createAllocator(session, memory) {
      const info = memoryInfo(memory);
      const allocator = made('finding memory', (out) => api.CreateAllocator(session, info, out));
      api.ReleaseMemoryInfo(info);
      return allocator;
    },
    allocatedTensor: (allocator, type, shape) => ({
      handle: made('taking memory', (out) =>
        api.CreateTensorAsOrtValue(allocator, dims(shape), shape.length, ELEMENT_TYPES[type], out),
      ),
    }),
    createBinding: (session) => ({
      handle: made('preparing a run', (out) => api.CreateIoBinding(session, out)),
      tensors: new Map(),
    }),
    bindInput({ handle, tensors }, name, tensor) {
      check(api.BindInput(handle, name, tensor.handle), `taking '${name}'`);
      tensors.set(name, tensor);
    },
    bindOutput({ handle, tensors }, name, tensor) {
      check(api.BindOutput(handle, name, tensor.handle), `taking '${name}'`);
      tensors.set(name, tensor);
    },
    run: async (session, binding) =>
      check(await later(binding, api.RunWithBinding, session, null, binding.handle), 'running the program'),
    endProfiling(session) {
      const allocator = made('writing its profile', (out) => api.GetAllocatorWithDefaultOptions(out));
      const file = made('writing its profile', (out) => api.SessionEndProfiling(session, allocator, out));
      check(api.AllocatorFree(allocator, file), 'writing its profile');
    },
    releaseSession: (session) => api.ReleaseSession(session),
    releaseTensor: ({ handle }) => api.ReleaseValue(handle),
    releaseAllocator: (allocator) => api.ReleaseAllocator(allocator),
    releaseBinding: ({ handle }) => api.ReleaseIoBinding(handle),
  };
}
