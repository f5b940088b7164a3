/** One small use of a package, written once and run as an ES module, as CommonJS, typed, and bundled. */
export interface PackageUse {
  /** What is imported from the package. */
  readonly imports: readonly string[];
  /** Further imports, of a peer dependency or another of our packages: [what, from]. */
  readonly alsoImports?: readonly (readonly [what: string, from: string])[];
  /** Statements in TypeScript that end in a `return`. */
  readonly body: string;
  /** The type of what is returned. */
  readonly returns: string;
  /** What is returned, as a string. */
  readonly prints: string;
  /** What the browser bundle returns, where that is something else. */
  readonly printsInBrowser?: string;
  /**
   * Whether it works in a browser. 'run': the bundle is also run, with nothing of Node in reach.
   * 'bundle': the bundle is only built.
   */
  readonly browser?: 'run' | 'bundle';
  /** Most bytes of the minified browser bundle; raise it knowingly. */
  readonly maxBundleBytes?: number;
}

const tf = ['* as tf', '@tensorflow/tfjs'] as const;
const random = ['{ createRandom }', '@beit/random'] as const;

const TO_TENSORS = [
  'const toTensors = (arrays: Readonly<Record<string, HostTensor>>) =>',
  '  Object.fromEntries(Object.entries(arrays).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));',
];
const hostTensor = ['type { HostTensor }', '@beit/tensors'] as const;

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
  layers: {
    imports: ['functional'],
    alsoImports: [tf],
    body: [
      "const dense = tf.layers.dense({ units: 1, inputShape: [2], name: 'dense' });",
      'const { apply, params } = functional(tf.sequential({ layers: [dense] }));',
      "const given = { 'dense/kernel': tf.tensor2d([[2], [3]]), 'dense/bias': tf.tensor1d([4]) };",
      'const { output } = apply(given, tf.tensor2d([[10, 100]]));',
      'return [...Object.keys(params), output.dataSync()[0]].join();',
    ].join('\n'),
    returns: 'string',
    prints: 'dense/kernel,dense/bias,324',
    browser: 'run',
  },
  classification: {
    imports: ['mixImages', 'softTargets'],
    alsoImports: [tf],
    body: [
      'const { data } = softTargets([1, 0], { numClasses: 4, labelSmoothing: 0.2 });',
      'const mixed = mixImages(tf.tensor4d([1, 3], [2, 1, 1, 1]), tf.tensor4d([0.25], [1, 1, 1, 1]));',
      'return [data[1]!.toFixed(2), ...mixed.dataSync()].join();',
    ].join('\n'),
    returns: 'string',
    prints: '0.85,2.5,1.5',
    browser: 'run',
  },
  compile: {
    imports: ['availableEngines', 'compile'],
    alsoImports: [tf],
    body: [
      'const step = (state: { w: tf.Tensor }, { x }: { x: tf.Tensor }) => ({',
      '  state: { w: tf.add(state.w, x) },',
      '  outputs: { y: tf.sum(tf.square(x)) },',
      '});',
      "const w = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;",
      "const x = { dtype: 'float32', shape: [2], data: Float32Array.of(3, 4) } as const;",
      "const engine = (await availableEngines()).includes('onnxruntime') ? 'onnxruntime' : 'auto';",
      'const program = await compile(step, { state: { w }, inputs: { x } }, { engine });',
      'const { y } = await program.run({ x });',
      'const state = await program.readState();',
      'const result = [program.engine, ...y.data, ...state.w.data].join();',
      'await program.dispose();',
      'return result;',
    ].join('\n'),
    returns: 'string',
    prints: 'onnxruntime,25,4,6',
    // Other engines are not even in the bundle.
    browser: 'run',
    printsInBrowser: 'tfjs,25,4,6',
  },
  installed: {
    imports: ['engineFolder', 'findOpenvino'],
    body: [
      "const machine = { env: { BEIT_CACHE: '/big' }, platform: 'linux', arch: 'x64', home: '/home/me' };",
      'const search = { ...machine, from: [], systemFolders: [], run: async () => undefined };',
      "return [engineFolder('openvino', machine), await findOpenvino({}, search)].join();",
    ].join('\n'),
    returns: 'string',
    prints: '/big/engines/openvino,',
  },
  engines: {
    imports: ['removeEngine'],
    body: [
      "const machine = { env: { BEIT_CACHE: '/nowhere' }, platform: 'linux', arch: 'x64', home: '/home/me' };",
      "return await removeEngine('openvino', machine);",
    ].join('\n'),
    returns: 'boolean',
    prints: 'false',
  },
  download: {
    imports: ['fetchBytes'],
    body: [
      "const { bytes, type } = await fetchBytes('data:text/plain,hello', { mostBytes: 5 });",
      'return [type, String.fromCharCode(...bytes)].join();',
    ].join('\n'),
    returns: 'string',
    prints: 'text/plain,hello',
  },
  hub: {
    imports: ['checkpointFiles', 'parseHubName'],
    body: [
      "const { id, revision } = parseHubName('owner/name@v1', 'model')!;",
      "return [id, revision, ...checkpointFiles(['config.json', 'model.safetensors', 'tf_model.h5'])].join();",
    ].join('\n'),
    returns: 'string',
    prints: 'owner/name,v1,config.json,model.safetensors',
  },
  segmentation: {
    imports: ['countPixels', 'pixelAccuracy', 'pixelCounts', 'segmentationMetrics'],
    alsoImports: [tf],
    body: [
      'const counts = pixelCounts(2);',
      'countPixels(counts, [0, 1, 1, 0], [0, 1, 0, 255]);',
      'const { mIoU } = segmentationMetrics(counts);',
      'const logits = tf.tensor4d([1, 0, 0, 1], [1, 1, 2, 2]);',
      "const accuracy = pixelAccuracy(logits, tf.tensor3d([0, 255], [1, 1, 2], 'int32'));",
      'return [mIoU, accuracy.dataSync()[0]].join();',
    ].join('\n'),
    returns: 'string',
    prints: '0.5,1',
    browser: 'run',
  },
  attention: {
    imports: ['keepMass', 'patchAttention', 'rocAuc'],
    body: [
      'const layer = { shape: [1, 3, 3], data: [1, 0, 0, 0, 0.25, 0.75, 0, 1, 0] } as const;',
      'const [map] = patchAttention(layer, [1, 2], [0, 0]);',
      'return [...map!, ...keepMass(map!), rocAuc(map!, [0, 1])].join();',
    ].join('\n'),
    returns: 'string',
    prints: '0.25,0.75,0,1,1',
    browser: 'run',
  },
  mpi: {
    imports: ['connectMpi'],
    body: [
      'const mpi = await connectMpi();',
      'const data = Float32Array.of(1, 2);',
      'await mpi.allReduce(data);',
      'return [mpi.rank, mpi.size, ...data].join();',
    ].join('\n'),
    returns: 'Promise<string>',
    prints: '0,1,1,2',
  },
  trainer: {
    imports: ['configDifferences'],
    body: 'return configDifferences({ depth: 2 }, { depth: 3 }).join();',
    returns: 'string',
    prints: 'depth: 2 in the checkpoint, 3 now',
  },
  progress: {
    imports: ['passProgress', 'terminalProgress'],
    body: [
      'const lines: string[] = [];',
      'const progress = terminalProgress({ stream: { write: (text: string) => lines.push(text) } });',
      "passProgress('images', progress.update)(3, 3);",
      "return lines.join().slice(0, 'images 3/3'.length);",
    ].join('\n'),
    returns: 'string',
    prints: 'images 3/3',
  },
  tensors: {
    imports: ['flattenTensors'],
    body: [
      "const w = { dtype: 'float32', shape: [1], data: Float32Array.of(1) } as const;",
      'return Object.keys(flattenTensors({ params: { w } })).join();',
    ].join('\n'),
    returns: 'string',
    prints: 'params/w',
    browser: 'run',
    maxBundleBytes: 4000,
  },
  stage: {
    imports: ['shareOf'],
    body: 'return shareOf(64, 8, 4).parts;',
    returns: 'number',
    prints: '2',
  },
  nn: {
    imports: ['linear'],
    alsoImports: [tf],
    body: [
      'const y = linear(tf.tensor([[1, 2]]), tf.tensor([[3, 4], [5, 6]]), tf.tensor([1, 1]));',
      'return (await y.data()).join();',
    ].join('\n'),
    returns: 'string',
    prints: '12,18',
    browser: 'run',
  },
  vit: {
    imports: ['createVit'],
    alsoImports: [tf, random, hostTensor],
    body: [
      ...TO_TENSORS,
      'const vit = createVit({ imageSize: 32, patchSize: 16, embedDim: 8, depth: 1, numHeads: 2 });',
      'const params = toTensors(vit.init(createRandom(1)));',
      'const patches = vit.embedPatches(params, tf.zeros([2, 32, 32, 3]));',
      'return vit.encode(params, patches).features.shape.join();',
    ].join('\n'),
    returns: 'string',
    prints: '2,5,8',
    browser: 'run',
  },
  mim: {
    imports: ['createMim'],
    alsoImports: [tf, random, hostTensor, ['{ createVit }', '@beit/vit']],
    body: [
      ...TO_TENSORS,
      'const backbone = createVit({ imageSize: 32, patchSize: 16, embedDim: 8, depth: 1, numHeads: 2 });',
      'const mim = createMim({ backbone, vocabSize: 16 });',
      'const params = toTensors(mim.init(createRandom(1)));',
      'return mim.logits(params, tf.zeros([2, 32, 32, 3]), tf.ones([2, 4])).shape.join();',
    ].join('\n'),
    returns: 'string',
    prints: '2,4,16',
    browser: 'run',
  },
  dvae: {
    imports: ['createDvae'],
    alsoImports: [tf, random, hostTensor],
    body: [
      ...TO_TENSORS,
      'const dvae = createDvae({ vocabSize: 16, hiddenDim: 8, decoderInitDim: 8, numGroups: 2 });',
      'const params = toTensors(dvae.init(createRandom(1)));',
      'const tokens = dvae.tokenize(params, tf.zeros([1, 8, 8, 3]));',
      'return [tokens.shape, dvae.decodeTokens(params, tokens, [4, 4]).shape].join();',
    ].join('\n'),
    returns: 'string',
    prints: '1,16,1,8,8,3',
    browser: 'run',
  },
  // Its threads start from a file of the package.
  data: {
    imports: ['createLoader', 'IMAGENET_NORMALIZATION'],
    body: [
      'const loader = createLoader({',
      "  source: { kind: 'memory', names: ['a', 'b'], size: 8, pixels: new SharedArrayBuffer(2 * 8 * 8 * 4) },",
      '  batchSize: 2,',
      '  workers: 1,',
      '  seed: 1,',
      '  views: {',
      "    imageSize: 8, tokenImageSize: 4, normalization: IMAGENET_NORMALIZATION, background: 'white',",
      '  },',
      "  masking: { kind: 'random', gridSize: 2, numMaskingPatches: 1 },",
      '});',
      'const { images, masked } = await loader.batch(0);',
      'await loader.close();',
      'return [images.shape, masked.positions.shape].join();',
    ].join('\n'),
    returns: 'string',
    prints: '2,8,8,3,2,1',
  },
};
