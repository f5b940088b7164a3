/** What a checkpoint is read of, first choice first; a whole file, or its index and shards. */
const WEIGHTS = [
  /^model\.safetensors$/,
  /^model(?:\.safetensors\.index\.json|-\d+-of-\d+\.safetensors)$/,
  /^pytorch_model\.bin$/,
  /^pytorch_model(?:\.bin\.index\.json|-\d+-of-\d+\.bin)$/,
];
const DESCRIPTIONS = ['config.json', 'preprocessor_config.json'];

/**
 * The files of a model's repository that a checkpoint is read of: safetensors before `.bin`, and what describes them.
 *
 * @throws Error when there are no weights
 */
export function checkpointFiles(paths: readonly string[]): string[] {
  for (const pattern of WEIGHTS) {
    const weights = paths.filter((path) => pattern.test(path));
    if (weights.length > 0) return [...paths.filter((path) => DESCRIPTIONS.includes(path)), ...weights];
  }
  throw new Error(
    `it has neither model.safetensors nor pytorch_model.bin, whole or in shards, but ${paths.slice(0, 10).join(', ') || 'nothing'}.`,
  );
}
