/** An RGB picture: `data` is `[height, width, 3]`, row-major, each value in `[0, 1]` (values outside are clipped). */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** One line of `metrics.jsonl`. A metric that an evaluation shares with the training steps has the same name in both. */
export interface MetricsPoint {
  readonly kind: 'train' | 'evaluation';
  /** Completed steps. */
  readonly step: number;
  readonly epoch?: number;
  readonly [metric: string]: number | string | undefined;
}

/** One stage of training. */
export interface StageReport {
  /** Short and unique in the report; part of anchors. */
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly MetricsPoint[];
  readonly imagesPerSecond: number;
  /** Wall-clock seconds of the stage. */
  readonly seconds: number;
  /** Trained scalars. */
  readonly parameters: number;
}

export interface SummaryRow {
  readonly label: string;
  readonly value: string;
  /** The same quantity of the trivial answer, for comparison. */
  readonly baseline?: string;
  readonly note?: string;
}

export interface NextStep {
  readonly text: string;
  readonly command: string;
}

/** A part of a page. */
export interface Section {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** HTML; an empty one leaves the section out. */
  readonly body: string;
}
