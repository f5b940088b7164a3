import type { CompileOptions } from '@beit/compile';
import type { Fixture } from './fixture';

/** One quantity group of one fixture: how far ours is from the reference. */
export interface Measurement {
  readonly group: string;
  /**
   * Relative to the largest magnitude of each tensor, the largest over the group; for all gradients together, of norms;
   * for tokens, the share that differs; for statistics, a plain difference.
   */
  readonly error: number;
  /** Largest error allowed. Default 1e-4. */
  readonly tolerance?: number;
}

/** Compares what an engine computes with a fixture. */
export type EngineCheck = (fixture: Fixture, engine: CompileOptions) => Promise<Measurement[]>;
