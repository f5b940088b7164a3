import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostTensor, NamedTensors } from '@beit/weights';

export type OnnxRuntime = 'onnxruntime-node' | 'onnxruntime-web';

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
        Object.entries(inputs).map(([name, { data, ...spec }]) => [
          name,
          { ...spec, data: Array.from(data) },
        ]),
      ),
    );
    const output = execFileSync(process.execPath, [join(__dirname, 'onnxProcess.mjs'), runtime], {
      input: JSON.stringify({ file, runs: plain }),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    return (JSON.parse(output) as Record<string, HostTensor>[]).map((outputs) =>
      Object.fromEntries(
        Object.entries(outputs).map(([name, { dtype, shape, data }]) => [
          name,
          { dtype, shape, data: (dtype === 'int32' ? Int32Array : Float32Array).from(data) },
        ]),
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
