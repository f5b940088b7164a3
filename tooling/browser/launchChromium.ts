import { type Browser, chromium } from 'playwright-core';
import { findChromium } from './findChromium';

const NO_BROWSER = 'There is no Chromium on the path, and CHROME_PATH is not set.';

/** The browser has no traffic of its own. */
const QUIET = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @throws when there is none */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error(NO_BROWSER);
  return chromium.launch({ executablePath, args: [...QUIET, ...args] });
}
