/**
 * OpenVINO's C library, called directly. Only what a compiled program needs.
 * Reference: openvino/c/*.h, https://docs.openvino.ai/2026/api/c_cpp_api/group__ov__c__api.html
 */
import { compareVersions } from '@beit/installed';
import type { Koffi } from '../koffi';
import { createIrWriter, type IrType } from './ir';

/** An object of the library. */
export type Handle = unknown;

/** The functions of the library, each throwing the library's own message when it fails. */
export interface OpenvinoLibrary {
  /** As the library tells it, such as `2026.4.1-22982-...`. */
  readonly version: string;
  createCore(): Handle;
  /** What a device says of itself, such as `OPTIMIZATION_CAPABILITIES`. */
  property(core: Handle, device: string, name: string): string;
  readModel(core: Handle, xml: Uint8Array, weights: Handle | null): Handle;
  compileModel(
    core: Handle,
    model: Handle,
    device: string,
    properties: Readonly<Record<string, string>>,
  ): Handle;
  createRequest(compiled: Handle): Handle;
  /** A tensor over an array's own memory, which must stay alive as long as the tensor. */
  tensor(type: ElementType, shape: readonly number[], data: ArrayBufferView): Handle;
  setInput(request: Handle, index: number, tensor: Handle): void;
  setOutput(request: Handle, index: number, tensor: Handle): void;
  /** Runs on a thread of its own. */
  infer(request: Handle): Promise<void>;
  /** Where the time of the last run went; needs `PERF_COUNT`. */
  profile(request: Handle): ProfiledLayer[];
  free(kind: 'core' | 'model' | 'compiled_model' | 'infer_request' | 'tensor', handle: Handle): void;
}

export interface ProfiledLayer {
  readonly name: string;
  readonly op: string;
  /** What ran it, such as `brgemm_avx512_bf16`. */
  readonly kernel: string;
  readonly milliseconds: number;
}

const ELEMENT_TYPES = ['f32', 'bf16', 'i32', 'i64', 'boolean', 'u8'] as const;
export type ElementType = (typeof ELEMENT_TYPES)[number];

/** The oldest library whose functions and operations programs need. */
const OLDEST_OPENVINO = '2025.0';

/**
 * Loads the library.
 *
 * @param path of `libopenvino_c`
 * @throws when it can't be loaded, is too old, or lacks a function
 */
export function loadOpenvino(koffi: Koffi, path: string): OpenvinoLibrary {
  const library = koffi.load(path);
  const declare: typeof library.func = (...declaration: unknown[]) => {
    try {
      return (library.func as (...args: unknown[]) => ReturnType<typeof library.func>)(...declaration);
    } catch (error) {
      throw new Error(
        `The OpenVINO library ${path} does not fit: ${(error as Error).message}. Expected OpenVINO ` +
          `${OLDEST_OPENVINO} or newer; 'npx @beit/engines install openvino' brings one.`,
      );
    }
  };
  const shapeType = koffi.struct({ rank: 'int64_t', dims: 'int64_t*' });
  const versionType = koffi.struct({ buildNumber: 'const char*', description: 'const char*' });
  const profileType = koffi.struct({ layers: 'void*', count: 'size_t' });
  const layerType = koffi.struct({
    status: 'int',
    realTime: 'int64_t',
    cpuTime: 'int64_t',
    name: 'const char*',
    kernel: 'const char*',
    op: 'const char*',
  });

  const lastError = declare('const char* ov_get_last_err_msg()');
  const getVersion = declare('ov_get_openvino_version', 'int', [koffi.out(koffi.pointer(versionType))]);
  const told: { buildNumber?: string } = {};
  getVersion(told);
  const version = told.buildNumber ?? 'unknown';
  if (told.buildNumber && compareVersions(version, OLDEST_OPENVINO) < 0) {
    throw new Error(
      `The OpenVINO library ${path} is version ${version}; expected ${OLDEST_OPENVINO} or newer. ` +
        "'npx @beit/engines install openvino' brings one.",
    );
  }
  const check = (status: number, doing: string) => {
    if (status !== 0) throw new Error(`OpenVINO ${version} failed ${doing} (${status}): ${lastError()}`);
  };

  const coreCreate = declare('int ov_core_create(_Out_ void** core)');
  const getProperty = declare(
    'int ov_core_get_property(void* core, const char* device, const char* name, _Out_ void** value)',
  );
  const freeText = declare('void ov_free(void* text)');
  const readFromMemory = declare(
    'int ov_core_read_model_from_memory_buffer(void* core, const uint8_t* xml, size_t length, void* weights, _Out_ void** model)',
  );
  const compile = declare(
    'int ov_core_compile_model(void* core, void* model, const char* device, size_t count, _Out_ void** compiled, ...)',
  );
  const createRequest = declare(
    'int ov_compiled_model_create_infer_request(void* compiled, _Out_ void** request)',
  );
  const fromHost = declare('ov_tensor_create_from_host_ptr', 'int', [
    'int',
    shapeType,
    'void*',
    koffi.out(koffi.pointer('void*')),
  ]);
  const setInput = declare(
    'int ov_infer_request_set_input_tensor_by_index(void* request, size_t index, void* tensor)',
  );
  const setOutput = declare(
    'int ov_infer_request_set_output_tensor_by_index(void* request, size_t index, void* tensor)',
  );
  const infer = declare('int ov_infer_request_infer(void* request)');
  const getProfile = declare('ov_infer_request_get_profiling_info', 'int', [
    'void*',
    koffi.out(koffi.pointer(profileType)),
  ]);
  const freeProfile = declare('ov_profiling_info_list_free', 'void', [koffi.pointer(profileType)]);
  const inputPort = declare(
    'int ov_model_const_input_by_index(void* model, size_t index, _Out_ void** port)',
  );
  const portType = declare('int ov_port_get_element_type(void* port, _Out_ int* type)');
  const freePort = declare('void ov_output_const_port_free(void* port)');
  const frees = Object.fromEntries(
    ['core', 'model', 'compiled_model', 'infer_request', 'tensor'].map((kind) => [
      kind,
      declare(`void ov_${kind}_free(void* object)`),
    ]),
  );

  /** Calls a function whose last parameter gives the made object. */
  const made = (doing: string, call: (out: [Handle]) => number): Handle => {
    const out: [Handle] = [null];
    check(call(out), doing);
    return out[0];
  };
  const createCore = () => made('starting', (out) => coreCreate(out));
  const readModel = (core: Handle, xml: Uint8Array, weights: Handle | null) =>
    made('reading the program', (out) => readFromMemory(core, xml, xml.length, weights, out));

  /** The library's numbers for element types: they differ between versions, so a model of one input of each is asked. */
  function elementTypes(): Readonly<Record<ElementType, number>> {
    const writer = createIrWriter();
    for (const type of ELEMENT_TYPES)
      writer.result(`${type} out`, writer.parameter(type, type as IrType, []));
    const core = createCore();
    const model = readModel(core, new TextEncoder().encode(writer.finish().xml), null);
    const numbers = ELEMENT_TYPES.map((type, i) => {
      const port = made('describing an input', (out) => inputPort(model, i, out));
      const number: [number] = [0];
      check(portType(port, number), `telling the type '${type}'`);
      freePort(port);
      return [type, number[0]] as const;
    });
    frees.model!(model);
    frees.core!(core);
    return Object.fromEntries(numbers) as Record<ElementType, number>;
  }
  const elementType = elementTypes();

  return {
    version,
    createCore,
    property: (core, device, name) => {
      const text = made(`telling ${name}`, (out) => getProperty(core, device, name, out));
      const value = koffi.decode(text, 'char', -1) as string;
      freeText(text);
      return value;
    },
    readModel,
    compileModel: (core, model, device, properties) => {
      const strings = Object.entries(properties).flat();
      const args = strings.flatMap((text) => ['const char*', text]);
      return made('compiling the program', (out) =>
        compile(core, model, device, strings.length, out, ...args),
      );
    },
    createRequest: (compiled) => made('preparing a run', (out) => createRequest(compiled, out)),
    tensor: (type, shape, data) => {
      const dims = { rank: shape.length, dims: BigInt64Array.from(shape, BigInt) };
      return made('wrapping a tensor', (out) => fromHost(elementType[type], dims, data, out));
    },
    setInput: (request, index, tensor) => check(setInput(request, index, tensor), 'taking an input'),
    setOutput: (request, index, tensor) => check(setOutput(request, index, tensor), 'taking an output'),
    infer: (request) =>
      new Promise((resolve, reject) => {
        infer.async(request, (error: Error | null, status: number) => {
          try {
            if (error) throw error;
            check(status, 'running the program');
            resolve();
          } catch (failure) {
            reject(failure);
          }
        });
      }),
    profile(request) {
      const list: { layers?: unknown; count?: number } = {};
      check(getProfile(request, list), 'telling its profile');
      const layers = koffi.decode(list.layers, layerType, Number(list.count)) as (Omit<
        ProfiledLayer,
        'milliseconds'
      > & { realTime: number | bigint })[];
      const profile = layers.map(({ name, op, kernel, realTime }) => ({
        name,
        op,
        kernel,
        milliseconds: Number(realTime) / 1000,
      }));
      freeProfile(list);
      return profile;
    },
    free: (kind, handle) => frees[kind]!(handle),
  };
}
