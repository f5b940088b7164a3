/** Opens the page, served by Vite. See `HELP`. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const HELP = `Usage: pnpm --filter explorer start -- [options]

Opens a page that shows attention, fills in what you hide, and has the visual tokens, all in the browser; until Ctrl-C.

  --port N                where it is served (default: 5173, or the next that is free)
  --strictPort            end where that one is taken
  --host [ADDRESS]        to other machines too (default: this one only)
  --no-open               open no browser
  --help                  this text

All options of Vite's server are taken: https://vite.dev/guide/cli`;

const own = process.argv.slice(2).filter((argument) => argument !== '--');
if (own.includes('--help') || own.includes('-h')) console.log(HELP);
else {
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
  const options = own.includes('--no-open')
    ? own.filter((option) => option !== '--no-open')
    : ['--open', ...own];
  process.exitCode = spawnSync(process.execPath, [vite, ...options], { stdio: 'inherit' }).status ?? 130;
}
