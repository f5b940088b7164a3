export { checkpointFiles } from './checkpointFiles';
export { type HubEnvironment, hubEnvironment } from './hubEnvironment';
export { HUB_PREFIX, type HubName, hubNameText, parseHubName } from './hubName';
export { hubSnapshot, type Snapshot, type SnapshotOptions } from './hubSnapshot';
export type { HubFile } from './listRepository';
export { parquetFiles } from './parquetFiles';
