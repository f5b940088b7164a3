import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { ShardFile } from '../sources/source';
import { ShardError } from './shardError';
import { isAddress, shardKind } from './shardFile';

/** A shard, and what is known of its samples without opening it. */
export interface IndexedShard extends ShardFile {
  readonly samples: number;
  /** The class of each. */
  readonly labels?: readonly number[] | Int32Array;
}

export interface ShardIndex {
  readonly classes?: readonly string[];
  readonly shards: readonly IndexedShard[];
}

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const KIND = 'wids-shard-index-v1';

/** Whether a JSON file says that it is one; other data sets have files of that name too. */
export const isShardIndex = (text: string): boolean => text.includes(KIND);

/** The index of WebDataset's `wids`, with classes and sha256 besides. */
const schema = z.object({
  __kind__: z.literal(KIND),
  wids_version: z.literal(1),
  classes: z.array(z.string()).optional(),
  shardlist: z
    .array(
      z.object({
        url: z.string().min(1),
        nsamples: count,
        filesize: count.optional(),
        md5sum: z.string().optional(),
        sha256: z.string().optional(),
        labels: z.array(z.number().int()).optional(),
      }),
    )
    .min(1),
});

/** Fewest bytes of a sample: in a tar file a header of 512, in a Parquet file one of its own. */
export const SAMPLE_BYTES = { tar: 512, parquet: 1 } as const;
/** That a shard of unknown size is believed to have; common ones have some thousands. */
const MOST_SAMPLES = 1_000_000;
/** Of all shards: each image takes some 40 bytes of memory. */
const MOST_IMAGES = 50_000_000;

/**
 * Reads an index.
 *
 * @param location of the index: what it names is found from there
 * @throws ShardError when it is none; it names the place in it
 */
export function parseShardIndex(text: string, location: string): ShardIndex {
  const refuse = (what: string): never => {
    throw new ShardError(`'${location}' is no index of shards: ${what}.`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    refuse((error as Error).message);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(`${issue!.path.join('.')}: ${issue!.message}`);
  }
  const { classes, shardlist } = parsed.data;
  const shards = shardlist.map(({ url, nsamples, filesize, md5sum, sha256, labels }, i): IndexedShard => {
    const kind = shardKind(url) ?? refuse(`shardlist.${i}.url is '${url}'; expected a .tar or .parquet file`);
    const most = filesize === undefined ? MOST_SAMPLES : Math.floor(filesize / SAMPLE_BYTES[kind]);
    if (nsamples > most)
      refuse(
        `shardlist.${i} has ${nsamples} samples; expected at most ${most} ` +
          (filesize === undefined ? 'where no filesize is given' : `in its ${filesize} bytes`),
      );
    if (labels && labels.length !== nsamples) {
      refuse(`shardlist.${i} has ${nsamples} samples and ${labels.length} labels`);
    }
    const [algorithm, value] =
      sha256 === undefined ? (['md5', md5sum] as const) : (['sha256', sha256] as const);
    return {
      kind,
      location: resolveFrom(location, url),
      samples: nsamples,
      ...(filesize !== undefined && { bytes: filesize }),
      ...(value !== undefined && { checksum: { algorithm, value: value.toLowerCase() } }),
      ...(labels && { labels }),
    };
  });
  const images = shards.reduce((sum, { samples }) => sum + samples, 0);
  if (images > MOST_IMAGES) refuse(`it has ${images} images in all; expected at most ${MOST_IMAGES}`);
  return { ...(classes && { classes }), shards };
}

/** As a link on a page: relative to where it stands. An index that came over the network names nothing on this disk. */
function resolveFrom(location: string, url: string): string {
  if (isAddress(url)) return url;
  if (isAddress(location)) {
    const resolved = new URL(url, location).href;
    if (isAddress(resolved)) return resolved;
    throw new ShardError(`'${location}' names '${url}', which is no http(s) address.`);
  }
  return resolve(dirname(location), url);
}

/** The text of an index. @param locations names the shards from where the index will be */
export const formatShardIndex = (
  { classes, shards }: ShardIndex,
  locationOf: (shard: IndexedShard) => string,
): string =>
  `${JSON.stringify({
    __kind__: KIND,
    wids_version: 1,
    ...(classes && { classes }),
    shardlist: shards.map((shard) => ({
      url: locationOf(shard),
      nsamples: shard.samples,
      filesize: shard.bytes,
      ...(shard.checksum && {
        [shard.checksum.algorithm === 'md5' ? 'md5sum' : 'sha256']: shard.checksum.value,
      }),
      ...(shard.labels && { labels: [...shard.labels] }),
    })),
  })}\n`;
