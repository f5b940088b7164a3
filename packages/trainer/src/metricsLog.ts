import { appendFile, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, messageOf } from '@beit/tensors';
import { writeFileAtomic } from '@beit/weights';
import { fileVersionRecord, restartRecord, scalarRecord } from './tensorBoard';

/** One line of `metrics.jsonl`. */
export interface MetricsRecord {
  readonly kind: 'train' | 'evaluation';
  /** Completed steps. */
  readonly step: number;
  /** Passes over the data, where the length of one is known. */
  readonly epoch?: number;
  readonly [name: string]: number | string | undefined;
}

export interface MetricsLog {
  append(record: MetricsRecord): Promise<void>;
  /** Makes what was appended durable. */
  sync(): Promise<void>;
}

const metricsPath = (runDir: string) => join(runDir, 'metrics.jsonl');

/**
 * Opens the logs of a run that has completed `step` steps: `metrics.jsonl`, from which lines of later steps (and a line
 * torn by a crash) are dropped, and a new TensorBoard file in `tensorboard/` that tells it to do the same.
 */
export async function openMetricsLog(runDir: string, step: number): Promise<MetricsLog> {
  const path = metricsPath(runDir);
  const seconds = Date.now() / 1000;
  const eventsFolder = join(runDir, 'tensorboard');
  const suffix = `${Math.floor(seconds)}.step-${String(step).padStart(8, '0')}.${process.pid}`;
  const eventsPath = join(eventsFolder, `events.out.tfevents.${suffix}`);

  await makeFolder(eventsFolder);
  await keepLinesUpTo(path, step);
  await write(path, '');
  await write(eventsPath, fileVersionRecord(seconds));
  if (step > 0) await write(eventsPath, restartRecord(seconds, step + 1));

  return {
    async append(record) {
      await write(path, `${JSON.stringify(record)}\n`);
      const { kind, step: at, ...rest } = record;
      const numbers = Object.entries(rest).filter(
        (entry): entry is [string, number] => typeof entry[1] === 'number',
      );
      const scalars = Object.fromEntries(numbers.map(([name, value]) => [`${kind}/${name}`, value]));
      await write(eventsPath, scalarRecord({ wallTime: Date.now() / 1000, step: at, scalars }));
    },
    async sync() {
      const file = await open(path, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}

/** The records of `metrics.jsonl`, oldest first; none where there is no file. Lines that are not records are left out. */
export async function readMetrics(runDir: string): Promise<MetricsRecord[]> {
  const text = await readFile(metricsPath(runDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line) => parseRecord(line) ?? []);
}

async function keepLinesUpTo(path: string, step: number): Promise<void> {
  // A device or a pipe may have no end.
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return;
  const text = await readFile(path, 'utf8');
  const lines = text
    .split('\n')
    .filter((line) => (parseRecord(line)?.step ?? Number.POSITIVE_INFINITY) <= step);
  const kept = lines.map((line) => `${line}\n`).join('');
  if (kept !== text) await writeFileAtomic(path, [new TextEncoder().encode(kept)]);
}

function parseRecord(line: string): MetricsRecord | undefined {
  try {
    const record = JSON.parse(line) as MetricsRecord | null;
    return Number.isSafeInteger(record?.step) ? record! : undefined;
  } catch {
    return undefined;
  }
}

async function write(path: string, data: string | Uint8Array): Promise<void> {
  try {
    await appendFile(path, data);
  } catch (cause) {
    throw new Error(`Cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
}
