/** The page in a browser, against the same model in Node. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBlockwiseMasking } from '@beit/masking';
import { parseSafetensors, saveSafetensors } from '@beit/weights';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { SURROUNDINGS, violationsOf } from '../../../tooling/browser/accessibility';
import { launchChromium } from '../../../tooling/browser/launchChromium';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { type ServedPage, servePage } from '../scripts/servePage';
import { nearestTokens } from '../src/model/codebook';
import { BUNDLE, nodeModel } from './nodeModel';

const TABS = ['Attention', 'Fill in', 'Visual tokens', 'Masking', 'Training runs'];

whereInstalled('Chromium', () => {
  let served: ServedPage;
  let browser: Browser;
  let folder: string;
  let model: Awaited<ReturnType<typeof nodeModel>>;
  /** Two colours: larger pictures become smaller ones of it without a question of how. */
  let pixels: Float32Array;
  let small: Float32Array;

  beforeAll(async () => {
    served = await servePage();
    browser = await launchChromium();
    folder = await mkdtemp(join(tmpdir(), 'explorer-'));
    model = await nodeModel();
    const [imageSize] = model.vit.config.imageSize;
    pixels = twoColours(imageSize);
    small = twoColours(model.tokenizerSize);
    const bytes = Uint8Array.from(pixels, (value) => Math.round(value * 255));
    await sharp(bytes, { raw: { width: imageSize, height: imageSize, channels: 3 } })
      .png()
      .toFile(join(folder, 'two-colours.png'));
  });
  afterAll(async () => {
    await browser?.close();
    served?.close();
    await rm(folder, { recursive: true });
  });

  /** A page of its own, with the model ready; it may complain of nothing and ask nobody else. */
  async function withPage(
    use: (page: Page) => Promise<void>,
    options: BrowserContextOptions = SURROUNDINGS['a desk, light'],
  ): Promise<void> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(served.url) && !/^(blob|data):/.test(url)) complaints.push(`asked for ${url}`);
    });
    try {
      await page.goto(served.url);
      await page.getByTestId('facts').waitFor();
      await use(page);
      expect(complaints).toEqual([]);
    } catch (cause) {
      const alerts = await page.getByRole('alert').allTextContents();
      throw new Error(
        `${(cause as Error).message}\nThe page tells: ${JSON.stringify([...alerts, ...complaints])}`,
        { cause },
      );
    } finally {
      await context.close();
    }
  }

  const openFiles = (page: Page, button: string, ...files: string[]) => chooseFiles(page, button, files);
  const tab = (page: Page, name: string) => page.getByRole('tab', { name }).click();
  const cell = (page: Page, row: number, column: number) =>
    page.getByRole('gridcell', { name: new RegExp(`^Row ${row}, column ${column}(,|$)`) });
  /** Waits until the page shows these patches as masked. */
  const showsMask = (page: Page, mask: Uint8Array) =>
    page.waitForFunction(
      `[...document.querySelectorAll('[role=gridcell]')].map((cell) => cell.matches('.masked') ? 1 : 0).join('') === '${mask.join('')}'`,
    );

  async function savedNumbers<T>(page: Page): Promise<T> {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save the numbers' }).click(),
    ]);
    return JSON.parse(await readFile(await download.path(), 'utf8')) as T;
  }

  test('the page may take nothing from elsewhere, send nothing there, and run no text as a program', async () => {
    const page = await browser.newPage();
    try {
      await page.goto(served.url);
      await page.getByTestId('facts').waitFor();
      const outcome = (program: string): Promise<unknown> =>
        page.evaluate(`Promise.resolve().then(() => ${program}).then(() => 'done', () => 'refused')`);
      const blocked = () =>
        page.evaluate(
          "new Promise((resolve) => document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => resolve(effectiveDirective), { once: true }))",
        );
      const refused = async (program: string) => (await Promise.all([blocked(), outcome(program)]))[0];
      // Another host, although it is this machine.
      const elsewhere = served.url.replace('127.0.0.1', 'localhost');
      expect(await refused(`fetch('${elsewhere}')`)).toBe('connect-src');
      expect(await refused(`{ new Image().src = '${elsewhere}icon.svg' }`)).toBe('img-src');
      expect(
        await refused(
          "{ document.head.append(Object.assign(document.createElement('script'), { text: '1' })) }",
        ),
      ).toBe('script-src-elem');
      expect(await outcome("fetch('./icon.svg')")).toBe('done');
    } finally {
      await page.close();
    }
  });

  test('charts come when they are asked for', () =>
    withPage(async (page) => {
      const charts = async () =>
        (
          (await page.evaluate(
            'performance.getEntriesByType("resource").map(({ name }) => name)',
          )) as string[]
        ).filter((name) => /RunsView.*\.js$/.test(name)).length;
      expect(await charts()).toBe(0);
      await tab(page, 'Training runs');
      await page.getByText('Highest').waitFor();
      expect(await charts()).toBe(1);
    }));

  test("attention is the Node engine's, for every block and head", () =>
    withPage(async (page) => {
      await openFiles(page, 'Open a picture', join(folder, 'two-colours.png'));
      await page.getByRole('grid', { name: 'Patches of two-colours.png' }).waitFor();
      await page.getByText(/4 blocks of 4 heads in \d+ ms/).waitFor();
      const { attention } = await savedNumbers<{ attention: number[] }>(page);
      expect(largestDifference(attention, await model.attention(pixels))).toBeLessThan(1e-5);
    }));

  test('a patch that is clicked, dragged to, or reached with keys shows its attention', () =>
    withPage(async (page) => {
      const { attention } = await savedNumbers<{ attention: number[] }>(page);
      /** What the page says that the strongest patch is, for a row and column, from 1. */
      const strongest = (row: number, column: number, block: number, head?: number) => {
        const tokens = model.patches + 1;
        const query = 1 + (row - 1) * 8 + column - 1;
        const ofHead = (h: number) =>
          attention.slice((((block - 1) * 4 + h) * tokens + query) * tokens + 1).slice(0, model.patches);
        const heads = head === undefined ? [0, 1, 2, 3].map(ofHead) : [ofHead(head - 1)];
        const map = heads[0]!.map((_, i) => heads.reduce((sum, own) => sum + own[i]!, 0) / heads.length);
        const largest = Math.max(...map);
        const at = map.indexOf(largest);
        return `at row ${Math.floor(at / 8) + 1}, column ${(at % 8) + 1}, ${(100 * largest).toFixed(1)} %`;
      };
      const isShown = (row: number, column: number, block: number, head?: number) =>
        page
          .getByRole('img', {
            name: `Attention from row ${row}, column ${column}: strongest ${strongest(row, column, block, head)}`,
          })
          .waitFor();

      await isShown(5, 5, 4);
      await cell(page, 2, 3).click();
      await isShown(2, 3, 4);
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await isShown(3, 4, 4);
      await page.getByRole('radiogroup').getByText('1', { exact: true }).click();
      await isShown(3, 4, 1);
      await page.getByRole('button', { name: 'head 2' }).click();
      await isShown(3, 4, 1, 2);
      await cell(page, 1, 1).hover();
      await page.mouse.down();
      await cell(page, 8, 8).hover();
      await page.mouse.up();
      await isShown(8, 8, 1, 2);
    }));

  test("what is filled in is the Node engine's, for a mask that was painted", () =>
    withPage(async (page) => {
      await openFiles(page, 'Open a picture', join(folder, 'two-colours.png'));
      await tab(page, 'Fill in');
      await page.getByRole('button', { name: 'Show everything' }).click();
      await page.getByText('Nothing is hidden.').waitFor();
      // A row with the pointer, two patches below it with keys; one that is clicked again is shown again.
      await cell(page, 3, 2).hover();
      await page.mouse.down();
      for (const column of [3, 4, 5, 6]) await cell(page, 3, column).hover();
      await page.mouse.up();
      await cell(page, 3, 6).click();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press(' ');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('Enter');
      const painted = [17, 18, 19, 20, 28, 29];
      const mask = Uint8Array.from({ length: model.patches }, (_, patch) => Number(painted.includes(patch)));
      await showsMask(page, mask);
      await page.getByText(/of 6 hidden visual tokens are exactly right/).waitFor();
      const own = await savedNumbers<{
        mask: number[];
        tokens: number[];
        probability: number[];
        pixels: number[];
      }>(page);
      expect(own.mask).toEqual([...mask]);
      const expected = await model.fillIn(pixels, small, mask);
      expect(own.tokens).toEqual(expected.tokens);
      expect(largestDifference(own.probability, expected.probability)).toBeLessThan(1e-5);
      expect(largestDifference(own.pixels, expected.pixels)).toBeLessThan(1e-4);

      await page.getByText('In 8 rounds, the surest first').click();
      const inRounds = await model.fillInRounds(pixels, small, mask, 8);
      expect(inRounds).not.toEqual(expected.tokens);
      await page.getByText(/What the model makes of it, \d+\.\d dB/).waitFor();
      // Until the new numbers are there, the page has those of before.
      let shown = own.tokens;
      for (let tries = 0; tries < 50 && `${shown}` === `${own.tokens}`; tries++) {
        await sleep(200);
        shown = (await savedNumbers<{ tokens: number[] }>(page)).tokens;
      }
      expect(shown).toEqual(inRounds);
    }));

  test("masks that are drawn are the generator's, by the sliders", () =>
    withPage(async (page) => {
      await tab(page, 'Fill in');
      const mask = (seed: number, maskRatio: number) =>
        createBlockwiseMasking({ gridSize: 8, maskRatio, minNumPatches: 5, minAspect: 0.3 }).generate(seed);
      await showsMask(page, mask(0, 0.4));
      await page.getByRole('button', { name: 'Draw another mask' }).click();
      await showsMask(page, mask(1, 0.4));
      await page.getByRole('slider', { name: 'Share of patches to mask' }).press('ArrowRight');
      await page.getByText('45 %').waitFor();
      await showsMask(page, mask(1, 0.45));
    }));

  test("visual tokens are the Node engine's, with their neighbours in the codebook", () =>
    withPage(async (page) => {
      await openFiles(page, 'Open a picture', join(folder, 'two-colours.png'));
      await tab(page, 'Visual tokens');
      await page.getByRole('grid', { name: 'Visual tokens of two-colours.png' }).waitFor();
      const tokens = await model.tokens(small);
      const shown = await page
        .getByRole('gridcell')
        .evaluateAll((cells) =>
          cells.map((one) => Number(/token (\d+)/.exec(one.getAttribute('aria-label')!)![1])),
        );
      expect(shown).toEqual([...tokens]);

      await cell(page, 6, 2).hover();
      const token = tokens[41]!;
      await page.getByText(`Token ${token}, row 6, column 2`).waitFor();
      const { vocabSize, decoderInitDim } = model.dvae.config;
      const vectors = new Float32Array(vocabSize * decoderInitDim);
      for (let i = 0; i < vectors.length; i++)
        vectors[i] = model.codebook[(i % decoderInitDim) * vocabSize + Math.floor(i / decoderInitDim)]!;
      for (const { token: near, similarity } of nearestTokens({ vectors, vocabSize }, token, 8)) {
        await page.getByRole('img', { name: `Token ${near}`, exact: true }).waitFor();
        await page
          .getByText(new RegExp(`^${near}\\s*${similarity.toFixed(2).replace('.', '\\.')}$`))
          .waitFor();
      }
    }));

  test('the playground of masks shows the code that makes them', () =>
    withPage(async (page) => {
      await tab(page, 'Masking');
      await page.getByRole('slider', { name: 'Smallest block, patches' }).press('ArrowRight');
      const code = (await page.getByLabel('Code for these masks').textContent())!;
      expect(code).toContain('minNumPatches: 17,');
      const options = { gridSize: 14, maskRatio: 0.4, minNumPatches: 17, minAspect: 0.3 };
      const made = new Function('createBlockwiseMasking', `${code.replace(/^import.*$/m, '')}; return mask;`)(
        createBlockwiseMasking,
      ) as Uint8Array;
      expect(made).toEqual(createBlockwiseMasking(options).generate(0));
      for (let seed = 0; seed < 6; seed++) {
        const masked = createBlockwiseMasking(options)
          .generate(seed)
          .reduce((sum, is) => sum + is, 0);
        await page
          .getByRole('img', { name: `Mask of seed ${seed}: ${masked} of 196 patches hidden` })
          .waitFor();
      }
      // Five percent of the patches are fewer than the smallest block.
      await page.getByRole('slider', { name: 'Share of patches to mask' }).press('Home');
      await page.getByRole('alert').getByText('No such mask').waitFor();
    }));

  test('runs are opened from disk and compared', () =>
    withPage(async (page) => {
      const write = async (name: string, losses: readonly number[]) => {
        await mkdir(join(folder, 'runs', name, 'pretrain'), { recursive: true });
        const lines = losses.map((loss, i) =>
          JSON.stringify({ kind: 'evaluation', step: i + 1, epoch: (i + 1) / 2, loss }),
        );
        await writeFile(
          join(folder, 'runs', name, 'pretrain/metrics.jsonl'),
          `${lines.join('\n')}\n{"kind": "ev`,
        );
      };
      await write('first', [3, 2, 1.5]);
      await write('second', [3.5, 1, 1.25]);
      await tab(page, 'Training runs');
      await page.getByRole('row', { name: /pretrain of this page/ }).waitFor();
      await page.getByTestId('runs').setInputFiles(join(folder, 'runs'));
      await page.getByRole('row', { name: 'runs/first/pretrain 1.500 1.500 3.000' }).waitFor();
      await page.getByRole('row', { name: 'runs/second/pretrain 1.250 1.000 3.500' }).waitFor();
      expect(await page.locator('.recharts-line-curve').count()).toBe(3);
      await page.getByRole('button', { name: 'Close pretrain of this page' }).click();
      expect(await page.locator('.recharts-line-curve').count()).toBe(2);

      await mkdir(join(folder, 'empty'), { recursive: true });
      await writeFile(join(folder, 'empty/notes.txt'), 'nothing');
      await page.getByTestId('runs').setInputFiles(join(folder, 'empty'));
      await page.getByRole('alert').getByText('There is no metrics.jsonl in what you opened').waitFor();
    }));

  test('what is no picture or no checkpoint is told, and what was open stays', () =>
    withPage(async (page) => {
      const alert = page.getByRole('alert');
      await writeFile(join(folder, 'words.txt'), 'no picture');
      await openFiles(page, 'Open a picture', join(folder, 'words.txt'));
      await alert.getByText('words.txt is not a picture that this browser can read').waitFor();
      await page.getByRole('grid', { name: 'Patches of elephant' }).waitFor();

      const { tensors, metadata } = parseSafetensors(await readFile(join(BUNDLE, 'model.safetensors')));
      const narrow = { ...JSON.parse(metadata.config!), embedDim: 96 };
      await saveSafetensors(join(folder, 'narrow.safetensors'), tensors, { config: JSON.stringify(narrow) });
      await openFiles(page, 'Open a checkpoint', join(folder, 'narrow.safetensors'));
      await alert.getByText('narrow.safetensors is no BEiT as it describes itself').waitFor();
      await alert.getByText(/cls_token.*128.*96/).waitFor();

      await writeFile(join(folder, 'cut.safetensors'), 'not a checkpoint at all');
      await openFiles(page, 'Open a checkpoint', join(folder, 'cut.safetensors'));
      await alert.getByText('Cannot read cut.safetensors').waitFor();

      await openFiles(page, 'Open a checkpoint', join(BUNDLE, 'tokenizer.safetensors'));
      await alert.getByText('This is a tokenizer alone').waitFor();
      await page.getByRole('button', { name: 'Close this message' }).click();
      expect(await alert.count()).toBe(0);
      expect(await page.getByTestId('facts').textContent()).toContain('4 blocks, 4 heads');
    }));

  test('a checkpoint that is dropped on the page takes the place of its own', () =>
    withPage(async (page) => {
      const drop = async (...names: string[]) => {
        const files = await Promise.all(
          names.map(async (name) => ({
            name,
            bytes: (await readFile(join(BUNDLE, name))).toString('base64'),
          })),
        );
        const transfer = await page.evaluateHandle(
          `(() => {
            const transfer = new DataTransfer();
            for (const { name, bytes } of ${JSON.stringify(files)})
              transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
            return transfer;
          })()`,
        );
        await page.getByRole('main').dispatchEvent('drop', { dataTransfer: transfer });
      };
      // Without its tokenizer it has attention, and says what the rest needs.
      await drop('model.safetensors');
      await page.getByText('model.safetensors', { exact: true }).waitFor();
      await page.getByText(/4 blocks of 4 heads in/).waitFor();
      await tab(page, 'Fill in');
      await page.getByRole('alert').getByText('drop the tokenizer.safetensors of the same run').waitFor();
      await drop('model.safetensors', 'tokenizer.safetensors');
      await page.getByText(/hidden visual tokens are exactly right/).waitFor();
    }));

  test.each(Object.entries(SURROUNDINGS))('nothing is inaccessible or too wide on %s', (_, options) =>
    withPage(async (page) => {
      const ready = [
        /4 blocks of 4 heads in/,
        /hidden visual tokens are/,
        'nearest neighbours in the codebook',
        'In your own project',
        'Highest',
      ];
      for (const [i, name] of TABS.entries()) {
        await tab(page, name);
        await page.getByText(ready[i]!).first().waitFor();
        expect({ name, violations: await violationsOf(page) }).toEqual({ name, violations: [] });
      }
    }, options),
  );
});

async function chooseFiles(page: Page, button: string, files: readonly string[]): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: button }).click(),
  ]);
  await chooser.setFiles([...files]);
}

/** Left and right halves, `[size, size, 3]` in [0, 1], of 8 bits. */
function twoColours(size: number): Float32Array {
  const colours = [
    [200, 60, 40],
    [30, 120, 220],
  ];
  return Float32Array.from({ length: size * size * 3 }, (_, i) => {
    const column = Math.floor(i / 3) % size;
    return colours[column < size / 2 ? 0 : 1]![i % 3]! / 255;
  });
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
};
