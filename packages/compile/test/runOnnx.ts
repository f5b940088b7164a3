import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostTensor, NamedTensors } from '@beit/tensors';

export type OnnxRuntime = 'onnxruntime-node' | 'onnxruntime-web';

/** A tensor on its way to another process: JSON has no NaN. */
interface EncodedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: string;
}
const base64 = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');

/** The outputs of a `.onnx` file for each of `runs`, by a runtime in a process of its own. */
export function runOnnx(
  runtime: OnnxRuntime,
  model: Uint8Array,
  runs: readonly NamedTensors[],
): NamedTensors[] {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-'));
  try {
    const file = join(folder, 'model.onnx');
    writeFileSync(file, model);
    const plain = runs.map((inputs) =>
      Object.fromEntries(
        Object.entries(inputs).map(([name, { data, ...spec }]) => [name, { ...spec, data: base64(data) }]),
      ),
    );
    const output = execFileSync(process.execPath, [join(__dirname, 'onnxProcess.mjs'), runtime], {
      input: JSON.stringify({ file, runs: plain }),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    return (JSON.parse(output) as Record<string, EncodedTensor>[]).map((outputs) =>
      Object.fromEntries(
        Object.entries(outputs).map(([name, { dtype, shape, data }]) => {
          const bytes = new Uint8Array(Buffer.from(data, 'base64'));
          const array = dtype === 'int32' ? new Int32Array(bytes.buffer) : new Float32Array(bytes.buffer);
          return [name, { dtype, shape, data: array } as HostTensor];
        }),
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
