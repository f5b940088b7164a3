import type { NextStep, Picture, StageReport, SummaryRow } from '@beit/apps-shared/report';

/** A held-out image on its way through both stages. The five pictures show the same crop. */
export interface Example {
  readonly name: string;
  readonly original: Picture;
  /** All tokens of the original, decoded by the dVAE. */
  readonly reconstruction: Picture;
  /** The image with the masked patches greyed out. */
  readonly masked: Picture;
  /** The tokens of the visible patches, decoded; masked ones grey. */
  readonly visibleTokens: Picture;
  /** The visible tokens together with the predicted ones, decoded. */
  readonly prediction: Picture;
  /** Share of the masked tokens that were predicted exactly, in `[0, 1]`. */
  readonly maskedTokenAccuracy: number;
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
  readonly codeCounts: Float64Array;
  readonly examples: readonly Example[];
  readonly attention: readonly AttentionExample[];
  readonly elbo: readonly ElboRow[];
  /** What is partial about the bound. */
  readonly elboNote: string;
  /** The resolved recipe, shown as JSON. */
  readonly config: object;
  readonly nextSteps: readonly NextStep[];
}
