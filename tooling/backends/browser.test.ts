/**
 * The `tfjs` engine in a browser: a page bundled from the packages' sources, in a headless Chromium without a GPU, on
 * every backend of TensorFlow.js, against the compiled engine in Node.
 */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { Browser, Page as Tab } from 'playwright-core';
import { launchChromium } from '../browser/launchChromium';
import { whereInstalled } from '../jest/whereInstalled';
import { bundlePage } from './bundlePage';
import { differences } from './differences';
import type { Page } from './page';
import { type Numbers, runProgram } from './runProgram';
import { servePage } from './servePage';
import { GRADIENTS, INFERENCE, type Make } from './smallPrograms';

/** SwiftShader computes what a GPU would, for WebGL and WebGPU alike. */
const ARGUMENTS = [
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
];

/** Has every op of the others but the dVAE's, whose shaders take long to compile without a GPU. */
const TRAINED = 'masked image modelling with relative positions, layer scale and drop path';

let bundle: ReturnType<typeof bundlePage> | undefined;
const bundled = () => {
  bundle ??= bundlePage();
  return bundle;
};

test('the page holds nothing that is for Node alone', async () => {
  const { files } = await bundled();
  const manifest = JSON.parse(readFileSync(join(__dirname, '../../packages/compile/package.json'), 'utf8'));
  const native = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).filter(
    (name) => !name.startsWith('@beit/'),
  );
  expect(native).toContain('onnxruntime-node');
  expect(files).toContain('packages/compile/src/browser.ts');
  expect(files.filter((file) => native.some((name) => file.includes(`/node_modules/${name}/`)))).toEqual([]);
});

whereInstalled('Chromium', () => {
  let server: Server;
  let browser: Browser;
  let tab: Tab;
  const complaints: string[] = [];

  beforeAll(async () => {
    const served = await servePage((await bundled()).script);
    server = served.server;
    browser = await launchChromium(ARGUMENTS);
    tab = await browser.newPage();
    tab.on('pageerror', (error) => complaints.push(String(error)));
    tab.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await tab.goto(served.url);
    await tab.waitForFunction('globalThis.page !== undefined');
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  /** Calls a function of the page. */
  const call = <F extends keyof Page>(f: F, ...args: Parameters<Page[F]>) =>
    tab.evaluate(`page.${f}(...${JSON.stringify(args)})`) as ReturnType<Page[F]>;

  const compiled = new Map<Make, Promise<Numbers>>();
  /** What the compiled engine makes of a program; once for all backends. */
  const expected = (make: Make) => {
    if (!compiled.has(make)) compiled.set(make, runProgram(make(), { engine: 'onnxruntime' }));
    return compiled.get(make)!;
  };

  test("without an engine or a backend named, a program runs on TensorFlow.js's best one", async () => {
    const { engine, backend, engines, y } = await call('defaults');
    expect({ engine, backend, engines, y }).toEqual({
      engine: 'tfjs',
      backend: 'webgpu',
      engines: ['tfjs'],
      y: [1, 4],
    });
  });

  test('wasm has SIMD, and threads where the page is isolated', async () => {
    expect(await call('wasmFeatures')).toEqual({ simd: true, threads: true });
  });

  describe.each(['cpu', 'wasm', 'webgl', 'webgpu'])(
    '%s gives the numbers of the compiled engine',
    (backend) => {
      test.each(Object.entries(INFERENCE))('%s', async (name, make) => {
        const actual = await call('run', 'INFERENCE', name, backend);
        expect(differences(actual, await expected(make), 1e-5)).toEqual({});
      });

      test(`gradients of ${TRAINED}`, async () => {
        const actual = await call('run', 'GRADIENTS', TRAINED, backend);
        expect(differences(actual, await expected(GRADIENTS[TRAINED]!), 1e-5)).toEqual({});
      });
    },
  );

  test('the browser had nothing to complain about', () => {
    expect(complaints).toEqual([]);
  });
});
