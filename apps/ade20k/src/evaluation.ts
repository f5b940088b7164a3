import type { EngineOptions } from '@beit/cli';
import { readLabelled, type ScaledImages, type SegmentationPart, type Unreadable } from '@beit/data';
import { evenlySpread } from '@beit/report';
import {
  countPixels,
  pixelCounts,
  type SegmentationMetrics,
  type Segmenter,
  segmentationMetrics,
} from '@beit/segmentation';
import type { NamedTensors } from '@beit/tensors';
import type { VitConfig } from '@beit/vit';
import type { Framing } from '@beit/weights';
import type { Dataset } from './dataset';
import type { PlainViews } from './segmenterFile';
import { openWhole, openWindows } from './windowModel';

/** mmsegmentation's factors for testing at several scales. */
export const SCALES: readonly number[] = [0.5, 0.75, 1, 1.25, 1.5, 1.75];

export interface EvaluationOptions {
  readonly segmenter: Segmenter;
  /** The encoder; its images are the windows. */
  readonly model: VitConfig;
  /** Parameters of the right names and shapes; the program is compiled with them. */
  readonly params: NamedTensors;
  readonly dataset: Pick<Dataset, SegmentationPart | 'annotation'>;
  /** What is measured on. Default `validation`. */
  readonly part?: SegmentationPart;
  readonly views: PlainViews;
  /** Also at other scales, and mirrored. Default false. */
  readonly multiScale?: boolean;
  /** Each image squeezed into one window, in this way; left out: windows slide. */
  readonly whole?: Framing;
  readonly engine: EngineOptions;
}

/** One image and what the model says of it. */
export interface SegmentedImage extends Omit<ScaledImages, 'images'> {
  readonly name: string;
  /** `[height, width]` each, classes or 255. */
  readonly labels: Uint8Array;
  readonly classes: Uint8Array;
}

export interface Evaluated {
  readonly metrics: SegmentationMetrics;
  /** How many were measured. */
  readonly images: number;
  /** Some of the images, evenly spread. */
  readonly examples: readonly SegmentedImage[];
}

const EXAMPLES = 8;

export interface Evaluation {
  evaluate(params: NamedTensors, onImage?: (done: number, total: number) => void): Promise<Evaluated>;
  /** Images that were left out because they or their masks could not be read, with the part: `validation/a.jpg`. */
  unreadable(): readonly Unreadable[];
  dispose(): Promise<void>;
}

/** Measures a segmenter on the images of a part, at their own size; the program is compiled once. @throws where there are none */
export async function openEvaluation({
  segmenter,
  model,
  params,
  dataset,
  part = 'validation',
  views,
  multiScale = false,
  whole,
  engine,
}: EvaluationOptions): Promise<Evaluation> {
  const { annotation, [part]: source } = dataset;
  if (!source) throw new Error(`There are no images for '${part}'.`);
  const { normalization, scale, stride } = views;
  const options = { segmenter, model, params, engine };
  const compiled = whole
    ? await openWhole(options)
    : await openWindows({ ...options, stride, flip: multiScale });
  const unreadable = new Map<string, Unreadable>();
  return {
    async evaluate(params, onImage = () => {}) {
      await compiled.setParams(params);
      const counts = pixelCounts(segmenter.numClasses);
      const { names } = source.images;
      const chosen = new Set(evenlySpread(EXAMPLES, names.length));
      const examples: SegmentedImage[] = [];
      let measured = 0;
      for (const [index, name] of [...names].entries()) {
        const ratios = multiScale ? SCALES : [1];
        const read = await readLabelled(source, index, {
          normalization,
          scale,
          ratios,
          framing: whole,
          annotation,
        }).catch((error: Error) => {
          unreadable.set(name, { name: `${part}/${name}`, reason: error.message });
        });
        onImage(index + 1, names.length);
        if (!read) continue;
        const { images, labels, ...size } = read;
        const classes = await compiled.segment(images, size);
        countPixels(counts, classes, labels);
        measured += 1;
        if (chosen.has(index)) examples.push({ name, ...size, labels, classes });
      }
      return { metrics: segmentationMetrics(counts), images: measured, examples };
    },
    unreadable: () => [...unreadable.values()],
    dispose: () => compiled.dispose(),
  };
}
