const config = require('./jest.config.cjs');

// What takes long, a browser, a server or MPI. Everything runs with `npm test`.
const SLOW = [
  '/(apps|benchmarks|tooling)/',
  '/(download|engines|mpi|stage)/test/',
  '/classification/test/export',
  '/compile/test/(cpuRules|einsum|imageOps|inPlaceState|indexOps|notANumber|proto|randomPrograms|roundings|sharedConstants|sharedData|tensorflow|training|views|wholeNumbers)\\.',
  '/data/test/(imageFolder|loader|segmentation|shards/(damaged|proxy|served)|workers)\\.',
  '/dvae/test/(createDvae|dvaeLoss|dvaeTrainStep)\\.',
  '/layers/test/models',
  '/nn/test/upsampleBilinear2d',
  '/trainer/test/(kill|train)\\.',
  '/weights/test/(parseSafetensors|torch)\\.',
];

/** @type {import('jest').Config} */
module.exports = {
  ...config,
  testPathIgnorePatterns: [...config.testPathIgnorePatterns, ...SLOW.map((path) => `<rootDir>.*${path}`)],
};
