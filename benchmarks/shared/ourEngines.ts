import type { EngineName, Precision } from '@beit/compile';

/** Our engines, by the names that reports and `--engines` use. */
export const OUR_ENGINES = [
  { name: 'openvino-bf16', engine: 'openvino', precision: 'bf16' },
  { name: 'openvino-fp32', engine: 'openvino', precision: 'fp32' },
  { name: 'onnxruntime-fp32', engine: 'onnxruntime', precision: 'fp32' },
  { name: 'xla-bf16', engine: 'xla', precision: 'bf16' },
  { name: 'xla-fp32', engine: 'xla', precision: 'fp32' },
] as const satisfies readonly { name: string; engine: EngineName; precision: Precision }[];

/** What `--engine` of apps may be, where it trains at full speed on a CPU. */
export const APP_ENGINES = ['auto', 'openvino', 'onnxruntime'] as const;

/** PyTorch's ways of running a step. */
export const PEER_MODES = [
  { name: 'torch-compile-bf16', precision: 'bf16' },
  { name: 'torch-eager-bf16', precision: 'bf16' },
  { name: 'torch-compile-fp32', precision: 'fp32' },
  { name: 'torch-eager-fp32', precision: 'fp32' },
] as const satisfies readonly { name: string; precision: Precision }[];

/** The same with both layouts: convolutions can gain from channels that lie together, a switch there; ours always do. */
export const CONVOLUTION_PEER_MODES = PEER_MODES.flatMap((mode) => [
  mode,
  { ...mode, name: `${mode.name}-channels-last` },
]);
