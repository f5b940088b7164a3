import { markdownTable } from '@beit/measurements';
import { peakOf } from './peaks';
import type { CheckReport, ParityRow, SpeedRow } from './rows';
import { isWithin } from './verdict';

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const exponential = (x: number | undefined) => (x === undefined ? undefined : x.toExponential(1));
const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** The report as tables that read as plain text, too. */
export function markdown(report: CheckReport): string {
  const { parity, resume, speed, ends, twoDevices, errors, notes, failures } = report;
  const kind = report.plugin?.devices[0]?.kind ?? report.device;
  const sections = [
    [`### XLA on ${kind}: ${verdict(report)}`, about(report)],
    [
      '#### Parity with the reference implementations',
      parity.length > 0 && table(worstByFile(parity).map(parityLine)),
    ],
    [
      `#### A training step: ${report.model}`,
      speed.length > 0 && table(speed.map((row) => speedLine(row, kind))),
      ends.length > 0 && ends.map(endSentence).join(' '),
    ],
    [
      '#### A checkpoint, and on from it',
      resume.length > 0 &&
        table(
          resume.map((row) => ({
            precision: row.precision,
            'changed by the file': row.changedByFile,
            'against a run without a stop':
              row.apart === 0 ? 'the same bits' : `apart by ${exponential(row.apart)}`,
            'the same steps twice':
              row.apartWhenRepeated === 0
                ? 'the same bits'
                : `apart by ${exponential(row.apartWhenRepeated)}`,
          })),
        ),
    ],
    [
      '#### Two devices against one',
      twoDevices.length > 0 &&
        table(
          twoDevices.map((row) => ({
            precision: row.precision,
            batch: row.batchSize,
            difference: exponential(row.difference),
            'ms on one': milliseconds(row.secondsOnOne),
            'ms on two': milliseconds(row.secondsOnTwo),
            'half of it on one': milliseconds(row.secondsOfHalf),
            'of that speed, each of two': percent(row.secondsOfHalf / row.secondsOnTwo),
          })),
        ),
    ],
    ['#### What is wrong', list(failures)],
    [
      '#### What did not come to its end',
      list(errors.map(({ part, message }) => `${part}: ${oneLine(message)}`)),
    ],
    ['#### What was left out', list(notes)],
  ];
  return sections
    .map(([heading, ...parts]) => [heading, ...parts.filter((part) => part)])
    .filter((section) => section.length > 1)
    .map((section) => section.join('\n\n'))
    .join('\n\n');
}

const table = markdownTable;
const list = (items: readonly string[]) => items.map((item) => `- ${item}`).join('\n');
const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').slice(0, 500);
const milliseconds = (seconds: number) => (1000 * seconds).toFixed(seconds < 0.1 ? 2 : 1);

const verdict = ({ failures, errors }: CheckReport) =>
  failures.length > 0
    ? `${failures.length} wrong`
    : errors.length > 0
      ? `nothing wrong, ${errors.length} not ended`
      : 'all as expected';

function about({ machine, plugin, command, date, seconds, device, peerVersions }: CheckReport): string {
  const { processor, cores, memoryBytes, node, glibc, nvidiaDriver, gpus } = machine;
  const versions = Object.entries(peerVersions).map(([name, version]) => `${name} ${version}`);
  const devices = plugin?.devices ?? [];
  const limit = devices[0]?.memory?.limit;
  return list([
    `\`${command}\`, ${date}, ${seconds.toFixed(0)} s`,
    `${processor}, ${cores} cores, ${gib(memoryBytes)}; Node ${node.slice(1)}${glibc ? `, glibc ${glibc}` : ''}`,
    ...gpus,
    ...(nvidiaDriver ? [`NVIDIA's driver ${nvidiaDriver}`] : []),
    ...(plugin
      ? [
          `plugin for ${device} ${plugin.version ?? ''}, PJRT ${plugin.apiVersion}, StableHLO ${plugin.attributes.stablehlo_current_version ?? 'unknown'}, ${oneLine(plugin.platformVersion)}`,
          `${devices.length} × ${devices[0]?.kind ?? 'no device'}${limit === undefined ? '' : `, of whose memory XLA takes ${gib(limit)}`}`,
        ]
      : []),
    ...(versions.length > 0 ? [versions.join(', ')] : []),
  ]);
}

/** Of each file and precision what is farthest from the reference, as a part of what is allowed. */
function worstByFile(rows: readonly ParityRow[]): ParityRow[] {
  const worst = new Map<string, ParityRow>();
  const badness = ({ error = Number.POSITIVE_INFINITY, tolerance = 1 }: ParityRow) =>
    Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / tolerance;
  for (const row of rows) {
    const key = `${row.file} ${row.precision}`;
    const known = worst.get(key);
    if (known === undefined || badness(row) > badness(known)) worst.set(key, row);
  }
  return [...worst.values()];
}

const parityLine = (row: ParityRow) => ({
  fixture: row.file.replace('.safetensors', ''),
  precision: row.precision,
  worst: row.group ?? 'not measured',
  error: exponential(row.error) ?? '-',
  allowed: exponential(row.tolerance) ?? '-',
  '': isWithin(row) ? '' : 'WRONG',
});

function speedLine(
  { of, precision, batchSize, compileSeconds, seconds, gflop, memoryBytes, loss }: SpeedRow,
  kind: string,
) {
  const teraflops = gflop / 1000 / seconds;
  const peak = peakOf(kind, precision);
  return {
    of,
    precision,
    batch: batchSize,
    'images/s': (batchSize / seconds).toFixed(1),
    'ms/step': milliseconds(seconds),
    'TFLOP/s': teraflops.toFixed(teraflops < 10 ? 3 : 1),
    'of the peak': peak === undefined ? '-' : percent(teraflops / peak),
    memory: memoryBytes === undefined ? '-' : gib(memoryBytes),
    'compiled in': `${compileSeconds.toFixed(1)} s`,
    loss: loss.toFixed(3),
  };
}

const endSentence = ({ precision, why, batchSize }: CheckReport['ends'][number]): string =>
  why === 'limit'
    ? `${precision} ended at the largest batch that was asked for.`
    : `${precision} ended before batch ${batchSize}, for the want of ${why}.`;
