import { relativePositionIndex } from '@beit/vit';
import { createTask, type Task, writePeerTask } from '../trainStep/task';

/** The task of trainStep as files for JAX: parameters under their official names, as ours has them. */
export async function writeTask(folder: string, task: Task): Promise<void> {
  const { vit, params, batch } = createTask(task);
  const { config } = vit;
  const model = {
    patch_size: config.patchSize,
    depth: config.depth,
    num_heads: config.numHeads,
    drop_path_rate: config.dropPathRate,
    layer_norm_eps: config.layerNormEpsilon,
    relative_position_index: [...relativePositionIndex(vit.gridSize)],
    last_block: task.lastBlock ?? 'masked',
  };
  await writePeerTask(folder, { params, batch, model });
}
