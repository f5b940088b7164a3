import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { assertNoInput, passProgress, runMain, UsageError } from '@beit/cli';
import {
  classFolder,
  describePassedOver,
  findShards,
  formatShardIndex,
  type IndexedShard,
  imageFolder,
  indexShards,
  isAddress,
  isShardIndex,
  type Names,
  type PassedOver,
  type ShardIndex,
  shardName,
  verifyShards,
  writeShards,
} from '@beit/data';
import { interruptSignal, terminalProgress } from '@beit/trainer';
import { writeFileAtomic } from '@beit/weights';
import { writeCifar } from './cifar';
import { HELP, type Options, parseOptions } from './options';

/** Of a folder of shards. */
const INDEX = 'index.json';

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  if (options.command === 'write') return write({ ...options, out: options.out! });
  if (options.command === 'cifar') return cifar({ ...options, out: options.out! });
  if (options.command === 'index') return index({ ...options, out: options.out! });
  return verify(options);
}

/** Images of one part, and what its shards are called. */
interface Part {
  readonly prefix: string;
  readonly names: Names;
  readonly labels?: ArrayLike<number>;
}

async function write({
  location,
  out,
  classes: hasClasses,
  imagesPerShard,
  seed,
  quiet,
}: Options & { readonly out: string }): Promise<number> {
  const progress = terminalProgress({ quiet });
  const interrupt = interruptSignal();
  const { classes, parts, passedOver } = await (hasClasses
    ? partsOfClasses(location, seed)
    : onlyPart(location));
  const path = join(out, INDEX);
  await assertSameSet(path, { classes, parts, imagesPerShard });
  const others = describePassedOver(passedOver);
  if (others !== undefined) progress.message(others);
  const shards: IndexedShard[] = [];
  try {
    for (const { prefix, ...part } of parts) {
      const written = writeShards({
        directory: out,
        prefix,
        from: location,
        ...part,
        imagesPerShard,
        seed,
        signal: interrupt.signal,
        onProgress: passProgress(prefix, progress.update),
      });
      shards.push(...(await written));
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    progress.message('Interrupted; the same command goes on.');
    return 130;
  } finally {
    progress.stop();
    interrupt.release();
  }
  await writeIndex(path, { ...(classes && { classes }), shards });
  console.log(
    `Written to ${out}: ${describe(shards)}${classes ? ` of ${classes.length} classes` : ''}, and index.json.`,
  );
  return 0;
}

/** What is to be packed. */
interface Packing {
  readonly classes: readonly string[] | undefined;
  readonly parts: readonly Part[];
  readonly passedOver: PassedOver;
}

async function partsOfClasses(folder: string, seed: number): Promise<Packing> {
  const { classes, train, validation, passedOver } = await classFolder(folder, { seed });
  const part = (prefix: string, { source, labels }: typeof train): Part => ({
    prefix,
    names: source.names,
    labels,
  });
  return { classes, parts: [part('train', train), part('val', validation)], passedOver };
}

async function onlyPart(folder: string): Promise<Packing> {
  const { names, passedOver } = await imageFolder(folder);
  return { classes: undefined, parts: [{ prefix: 'train', names }], passedOver };
}

/**
 * That an index which is there is of the shards that are to be written, which the same command wrote before. What is in
 * them, `writeShards` compares.
 *
 * @throws UsageError that says what it lists
 */
async function assertSameSet(
  path: string,
  { classes, parts, imagesPerShard }: Omit<Packing, 'passedOver'> & Pick<Options, 'imagesPerShard'>,
): Promise<void> {
  await assertIndex(path);
  if (!existsSync(path)) return;
  const there = await findShards(path);
  if ('files' in there) return;
  const planned = parts.flatMap(({ prefix, names }) =>
    Array.from({ length: Math.ceil(names.length / imagesPerShard) }, (_, i) => ({
      location: join(dirname(path), shardName(prefix, i)),
      samples: Math.min(imagesPerShard, names.length - i * imagesPerShard),
    })),
  );
  const listed = there.shards.map(({ location, samples }) => ({ location, samples }));
  if (!isDeepStrictEqual([listed, there.classes], [planned, classes]))
    throw new UsageError(
      `'${path}' is of another set, of ${describe(there.shards)}, and would be written over. Give another --out.`,
    );
}

/** @throws UsageError where there is a file that is no index */
async function assertIndex(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined && !isShardIndex(text))
    throw new UsageError(`'${path}' is no index of shards, and would be written over. Give another --out.`);
}

async function cifar({ location, out, quiet }: Options & { readonly out: string }): Promise<number> {
  const progress = terminalProgress({ quiet });
  const interrupt = interruptSignal();
  try {
    const { classes, counts } = await writeCifar({
      ...{ directory: location, out, signal: interrupt.signal },
      onProgress: passProgress('pictures', progress.update),
    });
    console.log(
      `Written to ${out}: ${counts.train} pictures of ${classes} classes to train on, ${counts.test} for testing.`,
    );
    return 0;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    progress.message(`Interrupted; nothing was written to ${out}.`);
    return 130;
  } finally {
    progress.stop();
    interrupt.release();
  }
}

async function index({ location, out, quiet }: Options & { readonly out: string }): Promise<number> {
  const found = await findShards(location);
  if (!('files' in found))
    throw new UsageError(`'${location}' is an index, or has one: there is nothing to do.`);
  await assertNoInput(
    [out],
    found.files.map(({ location }) => location).filter((file) => !isAddress(file)),
  );
  await assertIndex(out);
  const progress = terminalProgress({ quiet });
  const onProgress = passProgress('reading', progress.update, 'shards');
  const made = await indexShards(found.files, { checksums: true, onProgress }).finally(progress.stop);
  await writeIndex(out, made);
  console.log(`Written to ${out}: ${describe(made.shards)}.`);
  return 0;
}

async function verify({ location, quiet }: Options): Promise<number> {
  const found = await findShards(location);
  if ('files' in found) {
    throw new UsageError(
      found.files.length === 0
        ? `'${location}' has neither shards nor an index.`
        : `'${location}' has no index to compare with; 'index' makes one.`,
    );
  }
  const progress = terminalProgress({ quiet });
  const faults = await verifyShards(found.shards, passProgress('reading', progress.update, 'shards')).finally(
    progress.stop,
  );
  for (const fault of faults) console.error(fault);
  console.log(
    `${describe(found.shards)}: ${faults.length === 0 ? 'all as the index says' : `${faults.length} are not as the index says`}.`,
  );
  return faults.length === 0 ? 0 : 1;
}

/** What is beside it is named from there. */
async function writeIndex(path: string, made: ShardIndex): Promise<void> {
  const folder = dirname(path);
  const nameOf = ({ location }: IndexedShard) =>
    isAddress(location) ? location : relative(folder, location).split(sep).join('/');
  const text = formatShardIndex(made, nameOf);
  await writeFileAtomic(path, [Buffer.from(text)]);
}

function describe(shards: readonly IndexedShard[]): string {
  const images = shards.reduce((sum, { samples }) => sum + samples, 0);
  const bytes = shards.reduce((sum, shard) => sum + (shard.bytes ?? 0), 0);
  return `${images} images in ${shards.length} shards (${(bytes / 1e6).toFixed(1)} MB)`;
}

await runMain(main);
