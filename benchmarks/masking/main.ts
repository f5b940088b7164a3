import { fileURLToPath } from 'node:url';
import {
  describeMachine,
  machineLine,
  markdownTable,
  median,
  runJson,
  runNodeJson,
} from '@beit/measurements';
import { alternate, competitor, isAbsent } from '../shared/alternate';
import { fail, integer, publishedCommandLine } from '../shared/commandLine';
import { publish } from '../shared/publish';
import { pythonEnvironment } from '../shared/pythonEnvironment';
import type { MaskingRate, MaskingTask } from './ours';

const HELP = `Usage: pnpm bench:masking [options]

Masks per second: @beit/masking against the official algorithm as it is written, in Python with NumPy, on one core each.
The two run alternately, so that a change of the machine's speed meets both. NumPy comes from the virtual environment of
the other benchmarks, which the first run makes in your cache (a download of 3 GB). About a minute.

  --rounds N       default: 5
  --seconds N      of a measurement (default: 1)
  --python NAME    the Python that makes the virtual environment (default: python3)`;

const values = publishedCommandLine(HELP, {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '1' },
  python: { type: 'string', default: 'python3' },
});
const rounds = integer(values.rounds, 'rounds', 1);
const seconds = Number(values.seconds);
if (!(seconds > 0)) fail(`--seconds is '${values.seconds}'; expected a time above 0.`);

const OURS = fileURLToPath(new URL('./ours.ts', import.meta.url));
const PEER = fileURLToPath(new URL('./peer.py', import.meta.url));
/** The first is BEiT's. */
const GRIDS = [
  { rows: 14, columns: 14, count: 75, minNumPatches: 16 },
  { rows: 14, columns: 14, count: 75, minNumPatches: 4 },
  { rows: 24, columns: 24, count: 230, minNumPatches: 16 },
];

const environment = await pythonEnvironment(values.python);
const pairs = GRIDS.map((grid) => {
  const name = `${grid.rows} x ${grid.columns}, ${grid.count} masked, blocks from ${grid.minNumPatches}`;
  const task: MaskingTask = { ...grid, seconds };
  const peerArguments = [grid.rows, grid.columns, grid.count, grid.minNumPatches, seconds].map(String);
  return {
    grid,
    ours: competitor(`@beit/masking, ${name}`, () => runNodeJson<MaskingRate>(OURS, [JSON.stringify(task)])),
    peer: competitor(`the official algorithm, ${name}`, async () =>
      isAbsent(environment)
        ? environment
        : runJson<MaskingRate>(environment.python, [PEER, ...peerArguments]),
    ),
  };
});
await alternate(
  pairs.flatMap(({ ours, peer }) => [ours, peer]),
  rounds,
);

const rate = (runs: readonly MaskingRate[]) => median(runs.map(({ masksPerSecond }) => masksPerSecond));
const results = pairs.map(({ grid, ours, peer }) => {
  const masksPerSecond = rate(ours.results);
  const officialMasksPerSecond = peer.results.length > 0 ? rate(peer.results) : undefined;
  const times = officialMasksPerSecond && masksPerSecond / officialMasksPerSecond;
  return { ...grid, masksPerSecond, officialMasksPerSecond, times, runs: [ours.results, peer.results] };
});
const machine = describeMachine();
const { results: peerRuns, absent } = pairs[0]!.peer;
const versions = peerRuns[0]?.versions ?? {};
const report = {
  command: `pnpm bench:masking --rounds ${rounds} --seconds ${seconds}`,
  machine,
  versions,
  absent,
  summary: { maskingVsOfficial: results[0]!.times },
  results,
};
const markdown = [
  markdownTable(
    results.map((result) => ({
      grid: `${result.rows} x ${result.columns}`,
      masked: result.count,
      'min patches': result.minNumPatches,
      '@beit/masking': Math.round(result.masksPerSecond),
      official: result.officialMasksPerSecond && Math.round(result.officialMasksPerSecond),
      times: result.times?.toFixed(1),
    })),
  ),
  '',
  `\`${report.command}\`; ${[
    machineLine(machine),
    ...Object.entries(versions).map((pair) => pair.join(' ')),
  ].join(', ')}. Masks a second on one core, medians of ${rounds} rounds.`,
  ...(absent === undefined ? [] : [`Not here: the official algorithm, ${absent}.`]),
].join('\n');
await publish('masking', report, markdown, { json: values.json, write: values.write });
