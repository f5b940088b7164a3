import type { DType, NamedTensors } from '@beit/tensors';

export interface ShapeMismatch {
  readonly name: string;
  readonly got: readonly number[];
  readonly expected: readonly number[];
  /** The type of what was got; parameters are float32. */
  readonly dtype: DType;
}

export interface Fit {
  /** What fits, in the order of `expected`. */
  readonly params: NamedTensors;
  /** Expected, but not there. */
  readonly missing: readonly string[];
  /** There, but not expected. */
  readonly extra: readonly string[];
  /** There, but of another shape, or no float32. */
  readonly misshapen: readonly ShapeMismatch[];
}

/**
 * Which tensors of a checkpoint a model can take. Whether a difference is fine is for the caller to say. To fine-tune a
 * pre-trained encoder, `head.*` and `fc_norm.*` are missing and keep their initial values, while `lm_head.*`,
 * `mask_token` and `norm.*` are extra: the official code does not make the last norm of pre-training the classifier's
 * `fc_norm` (microsoft/unilm beit/run_class_finetuning.py, `utils.load_state_dict`).
 *
 * @param expected shapes by name, such as `vit.parameterShapes()`
 */
export function fitParameters(
  tensors: NamedTensors,
  expected: Readonly<Record<string, readonly number[]>>,
): Fit {
  const params: NamedTensors = Object.create(null);
  const missing: string[] = [];
  const misshapen: ShapeMismatch[] = [];
  for (const [name, shape] of Object.entries(expected)) {
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (tensor === undefined) missing.push(name);
    else if (tensor.dtype !== 'float32' || !sameShape(tensor.shape, shape))
      misshapen.push({ name, got: tensor.shape, expected: shape, dtype: tensor.dtype });
    else params[name] = tensor;
  }
  const extra = Object.keys(tensors).filter((name) => !Object.hasOwn(expected, name));
  return { params, missing, extra, misshapen };
}

/** Tensors of an encoder; another model's would change what it computes. */
const ENCODER = /^(blocks|patch_embed|rel_pos_bias|norm_pre|pos_|\w+_embed\b|(?!mask_)\w+_tokens?\b)/;

/**
 * The same of an encoder's tensors alone, without heads and norms before them: what a BEiT computes depends on all of them,
 * and on no others, such as the fused `attn.qkv.bias` of other vision transformers.
 */
export function fitEncoder(
  tensors: NamedTensors,
  expected: Readonly<Record<string, readonly number[]>>,
): Fit {
  const { params, missing, extra, misshapen } = fitParameters(tensors, expected);
  const isOfEncoder = (name: string) => ENCODER.test(name);
  return {
    params: Object.fromEntries(Object.entries(params).filter(([name]) => isOfEncoder(name))),
    missing: missing.filter(isOfEncoder),
    extra: extra.filter(isOfEncoder),
    misshapen: misshapen.filter(({ name }) => isOfEncoder(name)),
  };
}

const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((side, axis) => side === b[axis]);

/** The differences in words, a line for each kind; the same parameter of several blocks is named once. Empty if all fits. */
export function describeFit({ missing, extra, misshapen }: Fit): string {
  const shapes = misshapen.map(
    ({ name, got, expected, dtype }) =>
      `${name} (${dtype === 'float32' ? '' : `${dtype} `}[${got.join(', ')}], expected [${expected.join(', ')}])`,
  );
  return [
    ['Missing', missing],
    ['Not expected', extra],
    ['Of another shape', shapes],
  ]
    .filter(([, names]) => names!.length > 0)
    .map(([title, names]) => `${title}: ${perBlock(names as readonly string[]).join(', ')}.`)
    .join('\n');
}

/** `blocks.0.x`, `blocks.1.x` become `blocks.*.x (2 blocks)`. */
function perBlock(names: readonly string[]): string[] {
  const counts = new Map<string, { first: string; count: number }>();
  for (const name of names) {
    const key = name.replace(/^blocks\.\d+\./, 'blocks.*.');
    const { first, count } = counts.get(key) ?? { first: name, count: 0 };
    counts.set(key, { first, count: count + 1 });
  }
  return [...counts].map(([key, { first, count }]) => (count === 1 ? first : `${key} (${count} blocks)`));
}
