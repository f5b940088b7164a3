/** What a kernel does, by the names that OpenVINO and onnxruntime have for its op. */
const OPS = {
  'matrix products': ['MatMul', 'FullyConnected', 'FusedMatMul', 'Gemm', 'FusedGemm', 'Conv', 'Convolution'],
  'LayerNorm, softmax, sums': [
    'LayerNormalization',
    'LogSoftmax',
    'LogSoftMax',
    'MVN',
    'NormalizeL2',
    'Softmax',
    'SoftMax',
    'BiasSoftmax',
    'ReduceL2',
    'ReduceMax',
    'ReduceMean',
    'ReduceMin',
    'ReduceSum',
    'ReduceSumSquare',
  ],
  'moving numbers': [
    'Broadcast',
    'Concat',
    'Concatenation',
    'Expand',
    'Gather',
    'GatherElements',
    'Pad',
    'Reorder',
    'ScatterElements',
    'ScatterND',
    'ScatterNDUpdate',
    'Slice',
    'Split',
    'StridedSlice',
    'Tile',
    'Transpose',
    'VariadicSplit',
  ],
} as const;

export const KINDS = [...(Object.keys(OPS) as (keyof typeof OPS)[]), 'elementwise'] as const;
export type Kind = (typeof KINDS)[number];

const kinds = new Map<string, Kind>(
  Object.entries(OPS).flatMap(([kind, ops]) => ops.map((op) => [op, kind as Kind] as const)),
);

/** `elementwise` is all that is none of the others: activations, the update, conversions, and what is fused of them. */
export const kindOf = (op: string): Kind => kinds.get(op) ?? 'elementwise';
