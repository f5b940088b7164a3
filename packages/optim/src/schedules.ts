/** Value of a learning rate (or another number) at a 0-based step. */
export type Schedule = (step: number) => number;

export interface CosineScheduleConfig {
  /** Value at the end of the warm-up. BEiT pre-training: 1.5e-3. */
  readonly peak: number;
  /** Value that the cosine approaches; never hit exactly, as in the reference. BEiT pre-training: 1e-5. */
  readonly final: number;
  /** Steps in all, the warm-up included. */
  readonly totalSteps: number;
  /** Steps from `start` to `peak`, both included. BEiT pre-training: 10 epochs. Default 0. */
  readonly warmupSteps?: number;
  /** Value at step 0 when there is a warm-up. Default 0. */
  readonly start?: number;
}

/**
 * Linear warm-up, then half a cosine, by step. The peak occurs twice: as the last step of the warm-up and the first of
 * the cosine. Reference: microsoft/unilm beit/utils.py `cosine_scheduler` @768a3c8 (there a warm-up given in steps
 * fails unless its epochs are positive too; here it does not).
 */
export function cosineSchedule(config: CosineScheduleConfig): Schedule {
  const { peak, final, totalSteps, warmupSteps = 0, start = 0 } = config;
  assertSteps(totalSteps, warmupSteps);
  return (step) => {
    assertStep(step, totalSteps);
    // numpy's linspace gives `start` alone for one step.
    if (step < warmupSteps)
      return warmupSteps === 1 ? start : start + ((peak - start) * step) / (warmupSteps - 1);
    const progress = (step - warmupSteps) / (totalSteps - warmupSteps);
    return final + 0.5 * (peak - final) * (1 + Math.cos(Math.PI * progress));
  };
}

export interface LinearScheduleConfig {
  readonly peak: number;
  /** Value that the line approaches at `totalSteps`. BEiT on ADE20K: 0 (the default). */
  readonly final?: number;
  /** Steps in all, the warm-up included. */
  readonly totalSteps: number;
  /** BEiT on ADE20K: 1500. Default 0. */
  readonly warmupSteps?: number;
  /** Factor at step 0, growing linearly to 1 over the warm-up. BEiT on ADE20K: 1e-6 (the default). */
  readonly warmupRatio?: number;
}

/**
 * One straight line from `peak` at step 0 to `final` at `totalSteps`, multiplied during the warm-up by a factor that
 * grows from `warmupRatio` to 1; so `peak` itself is never reached after a warm-up. Reference: mmcv's `poly` policy
 * of power 1 with linear warm-up, as in microsoft/unilm beit/semantic_segmentation @768a3c8.
 */
export function linearSchedule(config: LinearScheduleConfig): Schedule {
  const { peak, final = 0, totalSteps, warmupSteps = 0, warmupRatio = 1e-6 } = config;
  assertSteps(totalSteps, warmupSteps);
  return (step) => {
    assertStep(step, totalSteps);
    const line = final + (peak - final) * (1 - step / totalSteps);
    return step < warmupSteps ? line * (1 - (1 - step / warmupSteps) * (1 - warmupRatio)) : line;
  };
}

function assertSteps(totalSteps: number, warmupSteps: number): void {
  if (!Number.isSafeInteger(totalSteps) || totalSteps < 1) {
    throw new RangeError(`totalSteps is ${totalSteps}; expected a positive integer.`);
  }
  if (!Number.isSafeInteger(warmupSteps) || warmupSteps < 0 || warmupSteps > totalSteps) {
    throw new RangeError(
      `warmupSteps is ${warmupSteps}; expected an integer from 0 to totalSteps, ${totalSteps}.`,
    );
  }
}

function assertStep(step: number, totalSteps: number): void {
  if (!Number.isSafeInteger(step) || step < 0 || step >= totalSteps) {
    throw new RangeError(
      `Step ${step} is not on the schedule; expected an integer from 0 to ${totalSteps - 1}.`,
    );
  }
}
