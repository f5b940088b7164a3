import { type HostTensor, scalar, type Tree } from '@beit/tensors';
import type { TrainingProgram } from '../src/index';

export interface FakeInputs {
  readonly x: number;
}

/** Momentum descent in float32 on one array, whose every step depends on all before; counts its runs. */
export function fakeProgram(size = 5): TrainingProgram<FakeInputs> & { runs: number } {
  let w = Float32Array.from({ length: size }, (_, i) => Math.cos(i));
  let m = new Float32Array(size);
  const tensor = (data: Float32Array): HostTensor => ({ dtype: 'float32', shape: [data.length], data });
  const program: ReturnType<typeof fakeProgram> = {
    runs: 0,
    async run({ x }) {
      program.runs++;
      let [loss, norm] = [0, 0];
      for (let i = 0; i < size; i++) {
        const gradient = w[i]! - Math.sin(x * (i + 1));
        loss += gradient * gradient;
        norm += gradient * gradient;
        m[i] = 0.9 * m[i]! + gradient;
        w[i] = w[i]! - 0.01 * m[i]!;
      }
      return { loss: scalar(loss), gradNorm: scalar(Math.sqrt(norm)), weights: tensor(w) };
    },
    // Its own arrays, as engines do.
    readState: async () => ({ params: { w: tensor(w) }, m: { w: tensor(m) } }),
    async writeState(state) {
      const { params, m: moments } = state as Record<string, Record<string, HostTensor>>;
      w = Float32Array.from(params!.w!.data);
      m = Float32Array.from(moments!.w!.data);
    },
  };
  return program;
}

export const fakeBatch = async (step: number): Promise<FakeInputs> => ({ x: Math.sin(step * 1.7) });

/** The bits of a state, for exact comparison. */
export async function bitsOf(program: { readState(): Promise<Tree<HostTensor>> }): Promise<string> {
  const { params, m } = (await program.readState()) as unknown as Record<string, Record<string, HostTensor>>;
  const bits = ({ data }: HostTensor) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
  return `${bits(params!.w!)} ${bits(m!.w!)}`;
}
