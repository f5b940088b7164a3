/** What can be sent. */
export type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

/** How values of all processes become one. Bytes can only be sent. */
export type Reduction = 'sum' | 'max' | 'min';

/**
 * All processes of a job. Every operation is collective: each process calls it, with arrays of the same type and length,
 * in the same order. They run on threads of their own, one after the other; an array that was given must not be touched
 * until its promise resolves.
 */
export interface Communicator {
  /** The number of this process, 0 to `size - 1`. */
  readonly rank: number;
  /** The number of processes. */
  readonly size: number;
  /** As it calls itself, such as `Open MPI v4.1.4`. */
  readonly library: string;
  /** In place: everywhere the sum, the largest or the smallest of the values in the same place. Default `sum`. */
  allReduce(data: Exclude<Numbers, Uint8Array>, reduction?: Reduction): Promise<void>;
  /** In place: everywhere what `root` has. Default 0. */
  broadcast(data: Numbers, root?: number): Promise<void>;
  /**
   * Everywhere all arrays, one behind the other in the order of the ranks.
   *
   * @param all where they go, `size` times as long as `data`. Default: a new array
   */
  allGather<A extends Numbers>(data: A, all?: A): Promise<A>;
  /**
   * The sum of all arrays, of which every process gets its part.
   *
   * @param data a multiple of `size` long
   * @param own where this rank's part goes, one of `size` equal ones. Default: a new array
   */
  reduceScatter(data: Float32Array, own?: Float32Array): Promise<Float32Array>;
  /** Waits for all. */
  barrier(): Promise<void>;
  /** Ends all processes of the job, this one first. */
  abort(status: number): never;
  /** The last call of all. A process that exits without it ends the job. */
  close(): Promise<void>;
}
