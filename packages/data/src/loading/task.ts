import type { Unreadable } from './eachReadable';

/** Which samples are to be made. */
export interface SampleRequest<Samples = object> {
  readonly epoch: number;
  readonly indices: readonly number[];
  /** Shards that are needed soon. */
  readonly ahead: readonly number[];
  /** Samples that nobody needs any more, as many: their arrays are written again. They are lost to who sends them. */
  readonly reused?: Samples;
}

export interface PreparedSamples<Samples = object> {
  readonly samples: Samples;
  readonly unreadable: Unreadable[];
}

/** A way to make samples, where they are asked for or in a worker thread: `worker.ts` has all of them by name. */
export interface SampleTask<Setup = object, Samples = object, Packed = object> {
  readonly name: string;
  prepare(setup: Setup, request: SampleRequest<Samples>): Promise<PreparedSamples<Samples>>;
  /** The setup as plain data for a thread, and what that makes of it. */
  pack(setup: Setup): Packed;
  unpack(packed: Packed): Setup;
  /** Ends what goes on in this thread, and removes what threads that were stopped may have left. */
  cleanUp?(setup: Setup, threads: readonly number[]): Promise<void>;
}
