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
export { describeSize, type ImageSize, imageSides, isSameSize, shortSize } from './imageSize';
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
