import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Precision } from '@beit/compile';
import { stepFlops } from '@beit/measurements';
import { messageOf } from '@beit/tensors';
import type { Pretraining } from './parts/pretraining';
import { PEER } from './places';
import type { SpeedRow } from './rows';

export const FRAMEWORKS = ['PyTorch', 'JAX'] as const;

/** What peer.py prints, line by line. */
type Line =
  | { readonly versions: Readonly<Record<string, string>> }
  | { readonly absent: string }
  | Omit<SpeedRow, 'gflop'>;

export interface PeerTask {
  readonly framework: (typeof FRAMEWORKS)[number];
  readonly python: string;
  readonly device: string;
  readonly task: Pretraining;
  /** At which batch in which precision. */
  readonly runs: readonly { readonly precision: Precision; readonly batchSize: number }[];
  readonly seconds: number;
  readonly onRow: (row: SpeedRow) => void;
  readonly onVersions: (versions: Readonly<Record<string, string>>) => void;
}

/** The same step in another framework. @returns why it did not come to its end, or `undefined` */
export function runPeer({ framework, python, device, task, runs, seconds, onRow, onVersions }: PeerTask) {
  const { model, vocabSize, numMasked } = task;
  const given = {
    framework,
    device,
    model: { mlpRatio: 4, dropPathRate: 0, ...model },
    vocabSize,
    numMasked,
    runs,
  };
  return new Promise<string | undefined>((resolve) => {
    const child = spawn(python, [PEER, JSON.stringify(given)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let problem: string | undefined;
    let lastWords = '';
    const timer = setTimeout(() => {
      problem = `ended after ${seconds.toFixed(0)} s, its share of the time`;
      child.kill('SIGKILL');
    }, 1000 * seconds);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-600);
    });
    createInterface({ input: child.stdout }).on('line', (text) => {
      if (!text.startsWith('{')) return;
      const line = JSON.parse(text) as Line;
      if ('versions' in line) onVersions(line.versions);
      else if ('absent' in line) problem = line.absent;
      else {
        const { batchSize } = line;
        const flops = stepFlops(model, { vocabSize, numMasked, batchSize, lastBlock: 'all' });
        onRow({ ...line, gflop: flops / 1e9 });
      }
    });
    child.once('error', (error) => {
      problem ??= messageOf(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(problem ?? (code === 0 ? undefined : `status ${code}: ${lastWords.trim()}`));
    });
  });
}
