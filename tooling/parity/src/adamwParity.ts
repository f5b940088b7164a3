import type { CompileOptions } from '@beit/compile';
import { adamW, layerDecay } from '@beit/optim';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { type Fixture, largestError, relativeError } from './fixture';
import type { Measurement } from './measurement';
import { runOnce } from './runOnce';

type Tensors = Record<string, tf.Tensor>;

/** Parameters and gradient norms over AdamW steps with clipping, weight-decay exclusions and layer-wise decay. */
export async function adamwParity(fixture: Fixture, engine: CompileOptions): Promise<Measurement[]> {
  const learningRate = fixture.meta<number>('lr');
  const optimizer = adamW({
    betas: fixture.meta<[number, number]>('betas'),
    epsilon: fixture.meta<number>('eps'),
    weightDecay: fixture.meta<number>('weightDecay'),
    clipNorm: fixture.meta<number>('clipNorm'),
    learningRateScale: layerDecay({
      rate: fixture.meta<number>('layerDecay'),
      depth: fixture.meta<number>('depth'),
    }),
  });
  const params: NamedTensors = fixture.group('param0');
  let state: { params: NamedTensors; m: NamedTensors; v: NamedTensors } = {
    params,
    ...optimizer.init(params),
  };
  const norms: number[] = [];
  const steps: number[] = [];
  for (let i = 1; i <= fixture.meta<number>('steps'); i++) {
    const step = (
      s: { params: Tensors; m: Tensors; v: Tensors },
      {
        gradients,
        scalars,
      }: { gradients: Tensors; scalars: Record<keyof typeof optimizer.scalarSpecs, tf.Tensor> },
    ) => {
      const {
        params: next,
        moments,
        gradNorm,
      } = optimizer.update(s.params, gradients, { m: s.m, v: s.v }, scalars);
      return {
        state: { params: next as Tensors, m: moments.m as Tensors, v: moments.v as Tensors },
        outputs: { gradNorm },
      };
    };
    const scalars = optimizer.scalars(i - 1, learningRate) as Record<
      keyof typeof optimizer.scalarSpecs,
      HostTensor
    >;
    const result = await runOnce(step, state, { gradients: fixture.group(`grad${i}`), scalars }, engine);
    state = result.state;
    norms.push(relativeError(result.outputs.gradNorm, fixture.tensor(`norm${i}`)));
    steps.push(largestError(state.params, fixture.group(`param${i}`)));
  }
  return [
    { group: 'gradient norms', error: Math.max(...norms) },
    { group: 'parameters', error: Math.max(...steps) },
  ];
}
