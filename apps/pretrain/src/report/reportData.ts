import type { NextStep, Picture, StageReport, SummaryRow } from '@beit/report';

/** A held-out image and what a model makes of it. */
export interface Example {
  readonly name: string;
  /** How well it was predicted, such as `12.3 dB`. */
  readonly note: string;
  /** All of the same crop, from the original to the prediction; of every example the same ones. */
  readonly pictures: readonly ExamplePicture[];
}

export interface ExamplePicture {
  readonly picture: Picture;
  readonly caption: string;
  /** Continues the caption, for those who do not see the picture. */
  readonly detail?: string;
}

/** Where one reference patch looks, in the last layer. */
export interface AttentionPoint {
  /** Counted in patches, from 0 at the top. */
  readonly row: number;
  /** Counted in patches, from 0 at the left. */
  readonly column: number;
  /** Per head the attention `[rows * columns]` over the patches, row-major, the class token's column dropped. */
  readonly heads: readonly Float32Array[];
}

export interface AttentionExample {
  readonly name: string;
  readonly image: Picture;
  /** Patches: `[rows, columns]`. */
  readonly gridSize: readonly [number, number];
  readonly points: readonly AttentionPoint[];
}

export interface ElboRow {
  readonly term: string;
  /** The formula in plain text, such as `E_q[log p(x | z)]`. */
  readonly symbol: string;
  readonly value: number;
  /** Such as `nats per image`. */
  readonly unit: string;
  readonly note: string;
}

/** Everything that the page of a pre-training run shows; plain data, so a report can be made again at any time. */
export interface Report {
  readonly title: string;
  readonly recipe: string;
  readonly engine: string;
  /** Date and time of the run, as it is to be shown. */
  readonly created: string;
  readonly summary: readonly SummaryRow[];
  readonly stages: readonly StageReport[];
  /** `[vocabulary]`: how often each visual token was the answer on the held-out images. */
  readonly codeCounts?: Float64Array;
  readonly examples: readonly Example[];
  /** What the examples' pictures and notes are. */
  readonly examplesNote: string;
  readonly attention: readonly AttentionExample[];
  readonly elbo?: readonly ElboRow[];
  /** The resolved recipe, shown as JSON. */
  readonly config: object;
  /** What happened to the files of the data set; `notes` are sentences. */
  readonly files: {
    readonly notes: readonly string[];
    readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
  };
  readonly nextSteps: readonly NextStep[];
}
