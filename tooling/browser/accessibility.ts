import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from './launchChromium';

/** On a desk by day, on a phone by night. */
export const SURROUNDINGS = {
  'a desk, light': { viewport: { width: 1200, height: 900 }, colorScheme: 'light' },
  'a phone, dark': {
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
    colorScheme: 'dark',
  },
} as const satisfies Record<string, BrowserContextOptions>;

/** What axe-core finds in a page, in words, and whether it is wider than its window. */
export async function violationsOf(page: Page): Promise<string[]> {
  if (!(await page.evaluate('"axe" in globalThis')))
    // As the debugger, whom no policy of the page keeps from it.
    await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[];
  };
  const [scroll, width] = (await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )) as [number, number];
  return [
    ...violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target} ${failureSummary}`),
    ),
    ...(scroll > width ? [`The page is ${scroll} pixels wide, its window ${width}.`] : []),
  ];
}

/** The same of a file in all surroundings. @throws when there is no browser */
export async function violationsOfFile(path: string): Promise<string[]> {
  const browser = await launchChromium();
  try {
    const found: string[] = [];
    for (const [name, options] of Object.entries(SURROUNDINGS)) {
      // Reports allow no scripts, and the one that looks at them is no part of them.
      const context = await browser.newContext({ ...options, bypassCSP: true });
      const page = await context.newPage();
      await page.goto(pathToFileURL(path).href);
      found.push(...(await violationsOf(page)).map((violation) => `${name}: ${violation}`));
    }
    return found;
  } finally {
    await browser.close();
  }
}
