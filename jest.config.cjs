// TensorFlow's greetings; test files have an environment of their own, which native code does not see.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/tooling/jest/environment.cjs',
  globalSetup: '<rootDir>/tooling/jest/findMissing.ts',
  testResultsProcessor: '<rootDir>/tooling/jest/nameSkipped.cjs',
  setupFiles: ['<rootDir>/tooling/jest/setup.cjs'],
  testEnvironmentOptions: { customExportConditions: ['@beit/source', 'node', 'require', 'default'] },
  testMatch: ['<rootDir>/{packages,apps,tooling,benchmarks}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/runs/'],
  transform: {
    '\\.tsx?$|/(hyparquet(-writer|-compressors)?|hysnappy)/.*\\.js$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  // Modules for browsers and Node alike, which jest's require does not know.
  transformIgnorePatterns: ['/node_modules/(?!.*(hyparquet|hysnappy))'],
  // Looked up in the test's sandbox they take 30 times as long, and numeric code asks for them all the time.
  sandboxInjectedGlobals: [
    'Math',
    'Number',
    'Array',
    'Object',
    'Float32Array',
    'Float64Array',
    'Int32Array',
    'Uint8Array',
  ],
  // By default one processor would be left idle, of two.
  maxWorkers: '100%',
  // Machines that run this differ by a factor of ten.
  testTimeout: 180000,
};
