import { largestError, loadFixture, type Measurement } from '@beit/parity';
import { fromTransformers, loadSafetensors, toTransformers } from '@beit/weights';

/** The same weights under the names of transformers: there, and back again. */
export async function namesParity(path: string): Promise<Measurement[]> {
  const { tensors } = await loadSafetensors(path);
  const official = (await loadFixture(path.replace('-transformers-names', ''))).group('param');
  return [
    { group: 'names to ours', error: largestError(fromTransformers(tensors), official) },
    { group: 'names from ours', error: largestError(toTransformers(official, { version: 5 }), tensors) },
  ];
}
