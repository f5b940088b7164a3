/**
 * Masks per second: @beit/masking against the published algorithm in Python (peer.py), on one core each.
 *
 *   pnpm bench:masking [--json] [--runs 5] [--seconds 1] [--python python3]
 *
 * The two run alternately, so that a change in the machine's load meets both; medians are compared.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createBlockwiseMasking, createRandom } from '@beit/masking';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    python: { type: 'string', default: 'python3' },
  },
});
const runs = Number(values.runs);
const seconds = Number(values.seconds);
if (!(Number.isInteger(runs) && runs > 0 && seconds > 0)) {
  throw new RangeError(
    `--runs ${values.runs} --seconds ${values.seconds}: give a whole number and a time above 0.`,
  );
}

const configs = [
  { rows: 14, columns: 14, count: 75, minNumPatches: 16 },
  { rows: 14, columns: 14, count: 75, minNumPatches: 4 },
  { rows: 24, columns: 24, count: 230, minNumPatches: 16 },
];
type Config = (typeof configs)[number];

function measureOurs({ rows, columns, count, minNumPatches }: Config): number {
  const { generate } = createBlockwiseMasking({
    gridSize: [rows, columns],
    numMaskingPatches: count,
    minNumPatches,
  });
  const random = createRandom(0);
  const out = new Uint8Array(rows * columns);
  const generateFor = (milliseconds: number) => {
    const start = performance.now();
    let masks = 0;
    let elapsed = 0;
    while (elapsed < milliseconds) {
      for (let i = 0; i < 1000; i++) generate(random, out);
      masks += 1000;
      elapsed = performance.now() - start;
    }
    return (1000 * masks) / elapsed;
  };
  generateFor(200);
  return generateFor(1000 * seconds);
}

const peer = fileURLToPath(new URL('./peer.py', import.meta.url));

/** Undefined when there is no Python. */
function measurePeer({ rows, columns, count, minNumPatches }: Config): number | undefined {
  const args = [seconds, rows, columns, count, minNumPatches].map(String);
  const { error, status, stdout, stderr } = spawnSync(values.python, [peer, ...args], { encoding: 'utf8' });
  if (error) return undefined;
  if (status !== 0) throw new Error(`${values.python} ${peer} failed:\n${stderr}`);
  return Number(stdout);
}

/** What runs peer.py: the version of Python, and whether its grid is a NumPy array. */
function describePeer(): string | undefined {
  const { error, stdout } = spawnSync(
    values.python,
    [
      '-c',
      'import sys\nprint("Python", sys.version.split()[0])\nimport numpy\nprint("NumPy", numpy.__version__)',
    ],
    { encoding: 'utf8' },
  );
  if (error) return undefined;
  const [python, numpy = 'lists, no NumPy'] = stdout.trim().split('\n');
  return `${python} (${numpy})`;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const results = configs.map((config) => {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push(measureOurs(config));
    const rate = measurePeer(config);
    if (rate !== undefined) theirs.push(rate);
  }
  const masksPerSecond = median(ours);
  const pythonMasksPerSecond = theirs.length > 0 ? median(theirs) : undefined;
  const ratio = pythonMasksPerSecond === undefined ? undefined : masksPerSecond / pythonMasksPerSecond;
  return { ...config, masksPerSecond, pythonMasksPerSecond, ratio };
});

const report = { node: process.version, python: describePeer(), runs, seconds, results };
if (values.json) {
  console.log(JSON.stringify(report, null, 2));
} else {
  const peerName = report.python ?? `no ${values.python} found`;
  console.log(
    `masks per second, median of ${runs} alternating runs of ${seconds} s; Node ${report.node}, ${peerName}`,
  );
  console.table(
    results.map((result) => ({
      grid: `${result.rows} x ${result.columns}`,
      masked: result.count,
      'min patches': result.minNumPatches,
      '@beit/masking': Math.round(result.masksPerSecond),
      Python: result.pythonMasksPerSecond === undefined ? '-' : Math.round(result.pythonMasksPerSecond),
      ratio: result.ratio === undefined ? '-' : Number(result.ratio.toFixed(1)),
    })),
  );
}
