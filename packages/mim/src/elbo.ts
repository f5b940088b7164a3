/**
 * BEiT as a variational autoencoder, section 2.4 of the paper, equation (2): for an image x, its corrupted version x̃
 * and its visual tokens z,
 *
 *   log p(x | x̃)  >=  E_{z ~ q(z|x)} [ log p(x | z) ]  -  KL[ q(z|x) || p(z | x̃) ]
 *
 * Stage 1 learns q and p(x | z) with the uniform prior in place of p(z | x̃). Stage 2 freezes them, replaces q by its
 * most likely tokens ẑ, a point mass without entropy, and what is left of the KL is -log p(ẑ | x̃).
 */
export interface ElboTerms {
  /** -E[log p(x | z)] with z drawn from q, nats per image (stage 1, constants included). */
  readonly reconstructionNll: number;
  /** KL of q to the uniform prior, nats per image. */
  readonly klToUniform: number;
  /** -log p(x | ẑ) with the most likely tokens, nats per image. */
  readonly argmaxReconstructionNll: number;
  /** -Σ log p(ẑ_i | x̃) over the masked patches, nats per image: what BEiT minimizes. */
  readonly maskedTokenNll: number;
  /** The same over all patches, which the bound asks for and BEiT does not train. */
  readonly allTokensNll: number;
  /** Patches per image, and how many of them are masked on average. */
  readonly patches: number;
  readonly maskedPatches: number;
  readonly vocabSize: number;
  /** Sub-pixels per image, height * width * 3. */
  readonly subpixels: number;
}

export interface ElboReport {
  /** Lower bounds on log p, nats per image. */
  readonly stage1: number;
  /**
   * The bound of stage 2 with the loss that is trained: the visible patches' tokens count as known, which x̃ very
   * nearly tells but does not say. It is partial: larger than the true bound by `visibleTokenNll`.
   */
  readonly stage2Masked: number;
  /** The true bound of stage 2: every token is predicted from x̃. */
  readonly stage2All: number;
  /** The part of the bound that the masked loss leaves out, nats per image. */
  readonly visibleTokenNll: number;
  /** Coding the masked tokens uniformly, nats per image: what a model that knows nothing pays for them. */
  readonly uniformMaskedNll: number;
  /** The bounds in bits per sub-pixel, where 8-bit images make smaller numbers easier to compare. Lower is better. */
  readonly stage1BitsPerSubpixel: number;
  readonly stage2BitsPerSubpixel: number;
}

/** The two-stage bound from its terms. */
export function elbo(terms: ElboTerms): ElboReport {
  const stage1 = -(terms.reconstructionNll + terms.klToUniform);
  const stage2All = -(terms.argmaxReconstructionNll + terms.allTokensNll);
  const bits = (nats: number) => -nats / terms.subpixels / Math.LN2;
  return {
    stage1,
    stage2Masked: -(terms.argmaxReconstructionNll + terms.maskedTokenNll),
    stage2All,
    visibleTokenNll: terms.allTokensNll - terms.maskedTokenNll,
    uniformMaskedNll: terms.maskedPatches * Math.log(terms.vocabSize),
    stage1BitsPerSubpixel: bits(stage1),
    stage2BitsPerSubpixel: bits(stage2All),
  };
}
