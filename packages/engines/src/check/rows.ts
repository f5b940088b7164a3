import type { Precision, XlaDescription } from '@beit/compile';
import type { Machine } from '@beit/measurements';

/** How far a quantity of a fixture is from the reference, or why that is not known. */
export interface ParityRow {
  readonly file: string;
  readonly precision: Precision;
  readonly group?: string;
  readonly error?: number;
  /** The largest error that is allowed. */
  readonly tolerance?: number;
  readonly message?: string;
}

/** A step's time at a batch. */
export interface SpeedRow {
  /** `ours`, `PyTorch`, `JAX`. */
  readonly of: string;
  readonly precision: Precision;
  readonly batchSize: number;
  /** With tracing; of others, what the first step takes longer than the rest. */
  readonly compileSeconds: number;
  /** The median. */
  readonly seconds: number;
  readonly steps: number;
  /** 1e9 operations of its matrix products. */
  readonly gflop: number;
  /** The most that the device's allocator held, or else what the compiler says that the program takes. */
  readonly memoryBytes?: number;
  /** Of the last step. */
  readonly loss: number;
}

/** Why a batch grew no further. */
export interface SpeedEnd {
  readonly precision: Precision;
  readonly why: 'memory' | 'time' | 'limit';
  /** The batch that was not measured; none where the limit was reached. */
  readonly batchSize?: number;
  readonly message?: string;
}

/** A run that goes on from a checkpoint against one that never stopped. */
export interface ResumeRow {
  readonly precision: Precision;
  /** Numbers that come back from the file as others. */
  readonly changedByFile: number;
  /** How far the states are apart at the end, relative to their norm; 0: the same bits. */
  readonly apart: number;
  /** The same for one program that does the same twice. Above 0, the device adds in no fixed order. */
  readonly apartWhenRepeated: number;
}

/** Two devices with half of the batch each, against one. */
export interface TwoDevicesRow {
  readonly precision: Precision;
  readonly batchSize: number;
  /** The largest of the losses and norms of gradients, relative to themselves. */
  readonly difference: number;
  /** Of a step of one device with half of the batch. */
  readonly secondsOfHalf: number;
  readonly secondsOnOne: number;
  readonly secondsOnTwo: number;
}

/** Why a part did not come to its end. */
export interface PartError {
  readonly part: string;
  readonly message: string;
  /** It was ended because its time was over: what it had told until then holds. */
  readonly isLate?: boolean;
}

/** All that a check found: what its JSON file holds. */
export interface CheckReport {
  readonly format: 'beit-check-1';
  readonly date: string;
  readonly command: string;
  readonly machine: Machine & {
    readonly glibc?: string;
    readonly nvidiaDriver?: string;
    /** What nvidia-smi tells of each. */
    readonly gpus: readonly string[];
  };
  /** `cpu`, `cuda`, … */
  readonly device: string;
  /** What the step trains. */
  readonly model: string;
  readonly plugin?: XlaDescription;
  readonly parity: readonly ParityRow[];
  readonly resume: readonly ResumeRow[];
  readonly speed: readonly SpeedRow[];
  readonly ends: readonly SpeedEnd[];
  readonly twoDevices: readonly TwoDevicesRow[];
  readonly peerVersions: Readonly<Record<string, string>>;
  /** Parts that did not come to their end, and why; what they had told until then is above. */
  readonly errors: readonly PartError[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
  readonly seconds: number;
  /** For what the check fails. */
  readonly failures: readonly string[];
}
