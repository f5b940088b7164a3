export { engineCheck, toleranceOf } from './engineChecks';
export { type Fixture, largestError, loadFixture, relativeError, toChannelsLast } from './fixture';
export type { EngineCheck, Measurement } from './measurement';
