import { readFromBytes } from './reading';
import { type TorchCheckpoint, type TorchOptions, torchReading } from './torchReading';

/**
 * The state dict of a `.pth`, `.pt` or `.bin` file of `torch.save`, held in memory. The pickle in it is read as data, by
 * a machine that knows what checkpoints hold and cannot run anything. Types are converted as by `parseSafetensors`;
 * contiguous tensors of one storage share memory, with `bytes` too where alignment and type allow, and others are
 * copied. Checksums are not compared, which `torch.load` does not do either.
 *
 * Errors: opcodes and names beyond those of checkpoints, which the message names; views that leave their storage;
 * anything that contradicts itself, in the archive or the pickle; an integer beyond int32; a big-endian file.
 */
export function parseTorch(bytes: Uint8Array, options: TorchOptions = {}): TorchCheckpoint {
  return readFromBytes(torchReading(bytes.length, options), bytes);
}
