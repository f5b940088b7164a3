/** One small use of a package, written once and run as an ES module, as CommonJS, typed, and bundled. */
export interface PackageUse {
  /** What is imported from the package. */
  readonly imports: readonly string[];
  /** Further import lines, for instance of a peer dependency: [what, from]. */
  readonly alsoImports?: readonly (readonly [what: string, from: string])[];
  /** Statements in TypeScript that end in a `return`. */
  readonly body: string;
  /** The type of what is returned. */
  readonly returns: string;
  /** What is returned, as a string. */
  readonly prints: string;
  /**
   * Whether it works in a browser. 'run': the bundle is also run, with nothing of Node in reach.
   * 'bundle': the bundle is only built.
   */
  readonly browser?: 'run' | 'bundle';
  /** Most bytes of the minified browser bundle; raise it knowingly. */
  readonly maxBundleBytes?: number;
}

const tf = ['* as tf', '@tensorflow/tfjs'] as const;

/** By folder in packages/. */
export const uses: Readonly<Record<string, PackageUse>> = {
  random: {
    imports: ['createRandom'],
    body: 'return createRandom(1, 2).permutation(3).length;',
    returns: 'number',
    prints: '3',
    browser: 'run',
    maxBundleBytes: 4000,
  },
  masking: {
    imports: ['createBlockwiseMasking', 'toMaskedPositions'],
    body: [
      "const masking = createBlockwiseMasking({ gridSize: [14, 14], numMaskingPatches: 75, stopRule: 'exact' });",
      'const masks = [masking.generate(42), masking.generate({ uniform: Math.random })];',
      'const { weights } = toMaskedPositions(masks, masking.maxMasked);',
      'return weights.reduce((sum, weight) => sum + weight, 0);',
    ].join('\n'),
    returns: 'number',
    prints: '150',
    browser: 'run',
    maxBundleBytes: 10000,
  },
  weights: {
    imports: ['parseSafetensors', 'serializeSafetensors'],
    body: [
      "const bias = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;",
      'const { tensors } = parseSafetensors(serializeSafetensors({ bias }));',
      'return Object.values(tensors).map(({ shape, data }) => [...shape, ...data].join()).join();',
    ].join('\n'),
    returns: 'string',
    prints: '2,1,2',
    browser: 'run',
  },
  optim: {
    imports: ['cosineSchedule', 'globalNorm'],
    alsoImports: [tf],
    body: [
      'const rate = cosineSchedule({ peak: 1, final: 0, totalSteps: 10, warmupSteps: 0 });',
      'return rate(0) + globalNorm({ w: tf.tensor([3, 4]) }).dataSync()[0]!;',
    ].join('\n'),
    returns: 'number',
    prints: '6',
    browser: 'run',
  },
  compile: {
    imports: ['compile'],
    alsoImports: [tf],
    body: [
      'const step = (state: { w: tf.Tensor }, { x }: { x: tf.Tensor }) => ({',
      '  state: { w: tf.add(state.w, x) },',
      '  outputs: { y: tf.sum(tf.square(x)) },',
      '});',
      "const w = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;",
      "const x = { dtype: 'float32', shape: [2], data: Float32Array.of(3, 4) } as const;",
      "const program = await compile(step, { state: { w }, inputs: { x } }, { engine: 'onnxruntime' });",
      'const { y } = await program.run({ x });',
      'const state = await program.readState();',
      'const result = [...y.data, ...state.w.data].join();',
      'await program.dispose();',
      'return result;',
    ].join('\n'),
    returns: 'string',
    prints: '25,4,6',
  },
  trainer: {
    imports: ['configDifferences', 'flattenTree'],
    body: [
      "const w = { dtype: 'float32', shape: [1], data: Float32Array.of(1) } as const;",
      'return Object.keys(flattenTree({ params: { w } })).join();',
    ].join('\n'),
    returns: 'string',
    prints: 'params/w',
  },
};
