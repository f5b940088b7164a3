import type { VitConfig } from '@beit/vit';
import { loadSafetensors } from '@beit/weights';
import { modelFile } from './classifierFile';
import type { Pretrained } from './startFrom';

/** A run of this project, or a file. */
export async function loadPretrained(path: string): Promise<Pretrained> {
  const file = await modelFile(path);
  const { tensors, metadata } = await loadSafetensors(file);
  if (!metadata.config) throw new Error(`${file} does not say its architecture.`);
  return { path: file, tensors, config: JSON.parse(metadata.config) as VitConfig };
}
