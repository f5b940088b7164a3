/** The tensors of the op graph. */
export type ValueType = 'float32' | 'bfloat16' | 'int32' | 'bool' | 'int64';
/** Four numbers: images are [N, C, H, W], filters [O, C, kh, kw], pads [top, left, bottom, right]. */
export type Shape4 = readonly [number, number, number, number];
export type ConstantData = Float32Array | Int32Array | Uint8Array;

/** One tensor of the graph. */
export interface Value {
  readonly id: number;
  readonly dtype: ValueType;
  readonly shape: readonly number[];
}
