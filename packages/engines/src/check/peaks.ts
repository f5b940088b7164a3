import type { Precision } from '@beit/compile';

/** TFLOP a second of matrix products as their maker states them, dense, sums in float32. */
type Peak = Partial<Record<Precision, number>>;

/** By what PJRT calls a device, the first that fits. */
const PEAKS: readonly (readonly [kind: RegExp, peak: Peak])[] = [
  // https://resources.nvidia.com/en-us-hopper-architecture/nvidia-tensor-core-gpu-datasheet (with sparsity: twice)
  [/H100 PCIe/, { fp32: 51, tf32: 378, bf16: 756 }],
  [/H100 NVL|H200 NVL/, { fp32: 60, tf32: 417, bf16: 835 }],
  // https://www.nvidia.com/en-us/data-center/h200/
  [/H100|H200|GH200/, { fp32: 67, tf32: 494, bf16: 989 }],
  // https://www.nvidia.com/en-us/data-center/dgx-b200/, an eighth
  [/\bB200/, { tf32: 1125, bf16: 2250 }],
  // https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf
  [/A100/, { fp32: 19.5, tf32: 156, bf16: 312 }],
  // https://www.nvidia.com/en-us/data-center/products/a10-gpu/
  [/A10\b|A10G/, { fp32: 31.2, tf32: 62.5, bf16: 125 }],
  // https://www.nvidia.com/en-us/data-center/l4/, https://www.nvidia.com/en-us/data-center/l40s/
  [/L4\b/, { fp32: 30.3, tf32: 60, bf16: 121 }],
  [/L40S/, { fp32: 91.6, tf32: 183, bf16: 362 }],
  // https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf, appendix A
  [/RTX 4090(?! Laptop| D)/, { fp32: 82.6, tf32: 82.6, bf16: 165.2 }],
  // https://www.nvidia.com/content/PDF/nvidia-ampere-ga-102-gpu-architecture-whitepaper-v2.pdf, table 3
  [/RTX 3090(?! Ti)/, { fp32: 35.6, tf32: 35.6, bf16: 71 }],
  // https://www.nvidia.com/en-us/data-center/tesla-t4/, https://www.nvidia.com/en-us/data-center/v100/ (no bfloat16)
  [/\bT4\b/, { fp32: 8.1 }],
  [/V100/, { fp32: 15.7 }],
  // https://www.amd.com/en/products/accelerators/instinct/mi300/mi300x.html, its matrix units
  [/MI300X|gfx942/, { fp32: 163.4, tf32: 653.7, bf16: 1307.4 }],
  // https://cloud.google.com/tpu/docs/v4, v5e, v5p, v6e; PJRT calls v5e "TPU v5 lite", v5p "TPU v5", v6e "TPU v6 lite"
  [/TPU v4$/, { bf16: 275 }],
  [/TPU v5 ?(?:lite|e)/, { bf16: 197 }],
  [/TPU v5p?$/, { bf16: 459 }],
  [/TPU v6 ?(?:lite|e)/, { bf16: 918 }],
];

/** Of one device, where it is known. */
export const peakOf = (kind: string, precision: Precision): number | undefined =>
  PEAKS.find(([pattern]) => pattern.test(kind))?.[1][precision];
