import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Precision } from '@beit/compile';
import { here } from '@beit/installed';
import { describeMachine } from '@beit/measurements';
import { engineCheck } from '@beit/parity';
import { ask } from './ask';
import { findPlugin } from './findPlugin';
import type { CheckOptions } from './options';
import type { Target } from './parts/part';
import type { GivenOf, PartName, RowOf } from './parts/parts';
import { FRAMEWORKS, runPeer } from './peers';
import { FIXTURES } from './places';
import { planOf } from './plan';
import type { CheckReport, SpeedRow } from './rows';
import { runPart } from './runPart';
import { shares } from './shares';
import { failuresOf } from './verdict';

type Lists = {
  -readonly [K in
    | 'parity'
    | 'resume'
    | 'speed'
    | 'ends'
    | 'twoDevices'
    | 'errors'
    | 'notes']: CheckReport[K][number][];
};

/** How the time is divided, relative to each other. */
const WEIGHTS = { devices: 1, parity: 3, resume: 1, speed: 4, twoDevices: 2, peer: 3 } as const;

/**
 * Runs all parts, one after the other; what fails in one is told, and the next begins.
 *
 * @param command what was typed, for the record
 * @param say is told how far it is
 * @throws where there is no plugin to be checked
 */
export async function check(
  options: CheckOptions,
  command: string,
  say: (text: string) => void,
): Promise<CheckReport> {
  const { library, device } = await findPlugin(options);
  const { python } = options;
  const plan = planOf(options, device);
  const { task, precisions, resumed } = plan;
  const target = (precision: Precision): Target => ({
    engine: 'xla',
    device,
    plugin: library,
    precision,
    programCache: false,
  });
  const { devices, parity, resume, speed, twoDevices, peer } = WEIGHTS;
  const time = shares(
    60 * options.minutes,
    devices +
      precisions.length * (parity + speed) +
      resumed.length * resume +
      twoDevices +
      (python ? 2 * peer : 0),
  );
  const report: Lists = {
    parity: [],
    resume: [],
    speed: [],
    ends: [],
    twoDevices: [],
    errors: [],
    notes: [],
  };
  const peerVersions: Record<string, string> = {};

  /** @param what the part is called where it fails */
  async function part<K extends PartName>(
    name: K,
    what: string,
    given: (seconds: number) => GivenOf<K>,
    onRow: (row: RowOf<K>) => void,
  ): Promise<void> {
    const seconds = time.take(WEIGHTS[name]);
    say(`${what}, at most ${seconds.toFixed(0)} s`);
    const error = await runPart(name, given(seconds), { seconds, onRow });
    if (error !== undefined) {
      report.errors.push({ part: what, ...error });
      say(`  ${error.message}`);
    }
  }

  let plugin: CheckReport['plugin'];
  say(`XLA for ${device}: ${library}`);
  await part(
    'devices',
    'devices',
    () => target('fp32'),
    (row) => {
      plugin = row;
      say(`  ${row.devices.length} × ${row.devices[0]?.kind}, PJRT ${row.apiVersion}`);
    },
  );

  const names = (await readdir(FIXTURES)).sort();
  const files = names.filter(
    (name) => /^[\w-]+\.safetensors$/.test(name) && engineCheck(name) && plan.takes(name),
  );
  for (const precision of precisions) {
    const given = () => ({ ...target(precision), files: files.map((name) => join(FIXTURES, name)) });
    await part('parity', `parity in ${precision}`, given, (row) => {
      report.parity.push(row);
      say(`  ${row.file}: ${row.group ?? ''} ${row.error?.toExponential(1) ?? row.message}`);
    });
  }

  for (const precision of resumed) {
    const given = () => ({ ...target(precision), task: plan.comparedTask, batchSize: plan.comparedBatch });
    await part('resume', `a checkpoint in ${precision}`, given, (row) => {
      report.resume.push(row);
      say(`  apart by ${row.apart}`);
    });
  }

  for (const precision of precisions) {
    const given = (seconds: number) => ({
      ...target(precision),
      // XLA's default leaves a quarter of the memory to others.
      ...(device === 'cpu' || device === 'tpu' ? {} : { memoryFraction: 0.9 }),
      task,
      // The process is ended at the end of its time; what it does not begin it can say.
      growth: { ...plan.growth, seconds: 0.9 * seconds },
    });
    await part('speed', `steps in ${precision}`, given, (row) => {
      if ('why' in row) report.ends.push(row);
      else report.speed.push(row);
      say(
        'why' in row
          ? `  the end: ${row.why}`
          : `  batch ${row.batchSize}: ${(row.batchSize / row.seconds).toFixed(1)} images a second`,
      );
    });
  }

  if (device === 'cpu' || (plugin?.devices.length ?? 0) > 1) {
    const given = () => ({ ...target('fp32'), task: plan.comparedTask, batchSize: plan.comparedBatch });
    await part('twoDevices', 'two devices', given, (row) => {
      report.twoDevices.push(row);
      say(`  apart by ${row.difference}`);
    });
  } else {
    time.take(twoDevices);
    report.notes.push('two devices against one: this machine shows one');
  }

  for (const framework of python === undefined ? [] : FRAMEWORKS) {
    const seconds = time.take(peer);
    say(`the same step in ${framework}, at most ${seconds.toFixed(0)} s`);
    const runs = fastestOfEach(report.speed.filter(({ of }) => of === 'ours'));
    const absent = await runPeer({
      framework,
      python: String(python),
      device,
      task,
      runs,
      seconds,
      onRow: (row) => {
        report.speed.push(row);
        say(
          `  ${row.precision}, batch ${row.batchSize}: ${(row.batchSize / row.seconds).toFixed(1)} images a second`,
        );
      },
      onVersions: (versions) => Object.assign(peerVersions, versions),
    });
    if (absent !== undefined) report.notes.push(`${framework}: ${absent}`);
  }

  const { glibc, nvidiaDriver } = here();
  const found = {
    format: 'beit-check-1',
    date: new Date().toISOString().slice(0, 16),
    command,
    machine: {
      ...describeMachine(),
      ...(glibc && { glibc: glibc.join('.') }),
      ...(nvidiaDriver !== undefined && { nvidiaDriver }),
      gpus: device === 'cuda' ? await gpus() : [],
    },
    device,
    model: plan.model,
    ...(plugin && { plugin }),
    ...report,
    peerVersions,
    seconds: time.spent(),
  } as const;
  return { ...found, failures: failuresOf(found) };
}

/** Where most images a second go through, in each precision. */
function fastestOfEach(rows: readonly SpeedRow[]) {
  const best = new Map<Precision, SpeedRow>();
  for (const row of rows) {
    const known = best.get(row.precision);
    if (!known || row.batchSize / row.seconds > known.batchSize / known.seconds) best.set(row.precision, row);
  }
  return [...best.values()].map(({ precision, batchSize }) => ({ precision, batchSize }));
}

const gpus = async (): Promise<string[]> => {
  const question = [
    '--query-gpu=name,memory.total,driver_version,pcie.link.gen.max',
    '--format=csv,noheader',
  ];
  const answer = await ask('nvidia-smi', question).catch(() => '');
  return answer.split('\n').filter((line) => line !== '');
};
