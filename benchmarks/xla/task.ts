import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedTensors } from '@beit/tensors';
import { relativePositionIndex } from '@beit/vit';
import { saveSafetensors } from '@beit/weights';
import { torchOptimizer } from '../shared/torchOptimizer';
import { createTask, LEARNING_RATE, OPTIMIZER, type Task } from '../trainStep/task';

/** The task of trainStep as files for JAX: parameters under their official names, as ours has them. */
export async function writeTask(folder: string, task: Task): Promise<void> {
  const { vit, params, batch } = createTask(task);
  const { config } = vit;
  await mkdir(folder, { recursive: true });
  await saveSafetensors(join(folder, 'params.safetensors'), params);
  await saveSafetensors(join(folder, 'batch.safetensors'), {
    images: batch.images,
    visualTokens: batch.visualTokens,
    positions: batch.masked.positions,
    keeps: batch.dropPathKeeps,
  } as NamedTensors);
  const model = {
    patch_size: config.patchSize,
    depth: config.depth,
    num_heads: config.numHeads,
    drop_path_rate: config.dropPathRate,
    layer_norm_eps: config.layerNormEpsilon,
    relative_position_index: [...relativePositionIndex(vit.gridSize)],
    last_block: task.lastBlock ?? 'masked',
  };
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ model, optimizer: torchOptimizer(OPTIMIZER, LEARNING_RATE) }),
  );
}
