/**
 * The `tfjs` engine in a browser: a page bundled from the packages' sources, in a headless Chromium without a GPU, on
 * every backend of TensorFlow.js, against the compiled engine in Node.
 */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { type Browser, chromium, type Page as Tab } from 'playwright-core';
import { bundlePage } from './bundlePage';
import { differences } from './differences';
import { findChromium } from './findChromium';
import type { Page } from './page';
import { runProgram } from './runProgram';
import { servePage } from './servePage';
import { GRADIENTS, INFERENCE } from './smallPrograms';

/** SwiftShader, which computes what a GPU would, for WebGL and WebGPU alike; and no traffic of the browser's own. */
const ARGUMENTS = (
  '--use-angle=swiftshader --enable-unsafe-swiftshader --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader ' +
  '--disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'
).split(' ');

const executablePath = findChromium();

test('the page holds nothing that is for Node alone', async () => {
  const { files } = await bundlePage();
  const manifest = JSON.parse(readFileSync(join(__dirname, '../../packages/compile/package.json'), 'utf8'));
  const native = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).filter(
    (name) => !name.startsWith('@beit/'),
  );
  expect(native).toContain('onnxruntime-node');
  const ofNative = (file: string) => native.some((name) => file.includes(`/node_modules/${name}/`));
  expect(files.filter(ofNative)).toEqual([]);
});

if (executablePath === undefined && !process.env.CI) {
  test.skip('in a browser: no Chromium on the path, and CHROME_PATH is not set', () => {});
} else {
  describe('in a browser', () => {
    let server: Server;
    let browser: Browser;
    let tab: Tab;
    const complaints: string[] = [];

    beforeAll(async () => {
      if (executablePath === undefined) throw new Error('No Chromium: install one, or set CHROME_PATH.');
      const served = await servePage((await bundlePage()).script);
      server = served.server;
      browser = await chromium.launch({ executablePath, args: ARGUMENTS });
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

    test('without a word about engines, a program runs on the best backend of TensorFlow.js', async () => {
      expect(await call('defaults')).toEqual({
        engine: 'tfjs',
        backend: 'webgpu',
        y: [1, 4],
        engines: ['tfjs'],
      });
    });

    test('wasm has SIMD and threads', async () => {
      expect(await call('wasmFeatures')).toEqual({ simd: true, threads: true });
    });

    describe.each(['cpu', 'wasm', 'webgl', 'webgpu'])(
      '%s gives the numbers of the compiled engine',
      (backend) => {
        test.each(Object.entries(INFERENCE))('%s', async (name, make) => {
          const expected = await runProgram(make(), { engine: 'onnxruntime' });
          expect(differences(await call('run', 'INFERENCE', name, backend), expected, 1e-5)).toEqual({});
        });

        test.each(Object.entries(GRADIENTS))('gradients of %s', async (name, make) => {
          const expected = await runProgram(make(), { engine: 'onnxruntime' });
          expect(differences(await call('run', 'GRADIENTS', name, backend), expected, 1e-5)).toEqual({});
        });
      },
    );

    test('the browser had nothing to complain about', () => {
      expect(complaints).toEqual([]);
    });
  });
}
