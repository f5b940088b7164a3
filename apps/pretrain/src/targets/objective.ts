import type { EngineOptions } from '@beit/cli';
import type { Batch } from '@beit/data';
import type { TreeLoss } from '@beit/optim';
import type { Random } from '@beit/random';
import type { SummaryRow } from '@beit/report';
import type { Branch, HostTensor, NamedTensors } from '@beit/tensors';
import type { Vit } from '@beit/vit';
import type { HeldOut } from '../heldOut';
import type { ElboRow, Example } from '../report/reportData';

/** What stage 2 predicts of masked patches: all in which one target differs from another. */
export interface Objective {
  /** The title of its section in the report. */
  readonly title: string;
  readonly vit: Vit;
  /** A hash of what makes the targets, where that is learned. */
  readonly digest?: string;
  init(random: Random): NamedTensors;
  readonly loss: TreeLoss;
  /** The shape of `targets`, without anything computed. */
  blankTargets(batchSize: number): Branch<HostTensor>;
  targets(batchSize: number, engine: EngineOptions): Promise<Targets>;
  evaluation(heldOut: HeldOut, engine: EngineOptions): Promise<Evaluation>;
}

/** What the loss asks of a batch besides images, masked positions and drop-path keeps. */
export interface Targets {
  of(batch: Batch): Promise<Branch<HostTensor>>;
  dispose(): Promise<void>;
}

/** Measures parameters on held-out images; its programs are compiled once. */
export interface Evaluation {
  /** Numbers for the log of the training. */
  metrics(params: NamedTensors): Promise<Record<string, number>>;
  /** `title` tells what an image shows. */
  findings(params: NamedTensors, title: (name: string) => string): Promise<Findings>;
  dispose(): Promise<void>;
}

/** All that is told of a pre-trained model. */
export interface Findings {
  /** For `results.json`. */
  readonly results: object;
  readonly summary: readonly SummaryRow[];
  readonly examples: readonly Example[];
  /** What the examples' pictures are. */
  readonly examplesNote: string;
  /** For visual tokens alone. */
  readonly codeCounts?: Float64Array;
  readonly elbo?: readonly ElboRow[];
}
