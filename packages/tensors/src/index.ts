export {
  assertHostTensor,
  cloneTensors,
  type DType,
  type HostTensor,
  type NamedTensors,
  scalar,
  sizeOf,
  zeros,
} from './hostTensor';
export { describeSize, type ImageSize, imageSides, isSameSize, MOST_PIXELS, shortSize } from './imageSize';
export { makeFolder } from './makeFolder';
export { assertMemory, assertParameterCount } from './memory';
export { messageOf } from './messageOf';
export type { Program, Step, TensorSpec, TreeOf } from './program';
export {
  type Branch,
  flattenTensors,
  flattenTree,
  type IsLeaf,
  isHostTensor,
  mapTree,
  plainPath,
  type Tree,
  unflattenTree,
} from './tree';
