/** Pixels as decoders give them: `[height, width, channels]`, row-major, 0 to 255. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, and opacity. */
  readonly channels: 3 | 4;
  readonly data: Uint8Array;
}

/** A rectangle of an image, whole pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
