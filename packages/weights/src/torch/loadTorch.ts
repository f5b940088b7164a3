import { withFile } from '../withFile';
import { readFromFile } from './reading';
import { type TorchCheckpoint, type TorchOptions, torchReading } from './torchReading';

/**
 * The state dict of a file of `torch.save` (Node), as `parseTorch`: only the parts of the file that the selected tensors
 * use are read, each once. Messages name the path.
 */
export async function loadTorch(path: string, options: TorchOptions = {}): Promise<TorchCheckpoint> {
  return withFile(path, (file, size) => readFromFile(torchReading(size, options), file));
}
