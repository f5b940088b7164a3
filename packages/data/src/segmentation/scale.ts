/** What an image is resized to, its proportions kept: the longer side at most the first, the shorter at most the second. */
export type ImageScale = readonly [longer: number, shorter: number];

/** mmsegmentation's for ADE20K. */
export const ADE20K_SCALE: ImageScale = [2048, 512];

/** Factor on both sides; 1 without a scale. Reference: mmcv image/geometric.py, rescale_size. */
export const scaleFactor = (width: number, height: number, scale: ImageScale | undefined): number =>
  scale ? Math.min(scale[0] / Math.max(width, height), scale[1] / Math.min(width, height)) : 1;
