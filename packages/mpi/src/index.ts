export { alone } from './alone';
export type { Communicator, Numbers, Reduction } from './communicator';
export { type ConnectOptions, connectMpi } from './connectMpi';
export { assertAgreement, gatherTexts } from './gatherTexts';
export { launchedByMpi, localSize } from './launchedByMpi';
