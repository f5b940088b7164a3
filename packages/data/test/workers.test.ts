import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { createLoader, INCEPTION_NORMALIZATION, type LoaderOptions } from '../src';

const started: Worker[] = [];
jest.mock('node:worker_threads', () => {
  const actual = jest.requireActual<typeof import('node:worker_threads')>('node:worker_threads');
  class Recorded extends actual.Worker {
    constructor(...args: ConstructorParameters<typeof actual.Worker>) {
      super(...args);
      started.push(this);
    }
  }
  return { ...actual, Worker: Recorded };
});

const SIZE = 8;
const options: LoaderOptions = {
  source: {
    kind: 'memory',
    names: ['a', 'b', 'c', 'd'],
    size: SIZE,
    pixels: new SharedArrayBuffer(4 * SIZE * SIZE * 4),
  },
  batchSize: 2,
  seed: 1,
  workers: 2,
  views: {
    imageSize: 8,
    tokenImageSize: 4,
    normalization: INCEPTION_NORMALIZATION,
    background: 'pastel',
  },
};

beforeEach(() => {
  started.length = 0;
});

test('a worker that dies while a batch is awaited is an error, then and from then on', async () => {
  const loader = createLoader(options);
  await loader.batch(0);
  expect(started).toHaveLength(2);
  // They never get this job, so none can have answered before the end.
  for (const worker of started) worker.postMessage = () => {};
  const waiting = loader.batch(100);
  void started[1]!.terminate();
  await expect(waiting).rejects.toThrow(/A data worker stopped with exit code 1/);
  await expect(loader.batch(200)).rejects.toThrow(/A data worker stopped/);
  await loader.close();
});

test('what a worker fails of is told', async () => {
  const loader = createLoader(options);
  const waiting = loader.batch(0);
  started[0]!.emit('error', new Error('out of memory'));
  await expect(waiting).rejects.toThrow('A data worker failed: out of memory');
  await loader.close();
});

test('closing ends what is awaited, and closing twice does no harm', async () => {
  const loader = createLoader(options);
  const waiting = loader.batch(0);
  const refused = expect(waiting).rejects.toThrow('The loader was closed.');
  await loader.close();
  await refused;
  await expect(loader.batch(1)).rejects.toThrow('The loader was closed.');
  await loader.close();
});

test.each(['await loader.close();', ''])('the process ends after "%s"', async (ending) => {
  const root = dirname(dirname(dirname(__dirname)));
  const script = `
    import { createLoader } from '${join(root, 'packages/data/src/index.ts')}';
    const pixels = new SharedArrayBuffer(4 * 256);
    const loader = createLoader({
      ...${JSON.stringify({ ...options, source: undefined })},
      source: { kind: 'memory', names: ['a', 'b', 'c', 'd'], size: 8, pixels },
    });
    const { images } = await loader.batch(0);
    ${ending}
    console.log(images.shape.join());
  `;
  const args = ['--conditions=@beit/source', '--import', 'tsx', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 40_000 });
  expect(stdout.trim()).toBe('2,8,8,3');
});
