import { join } from 'node:path';
import {
  countDeep,
  describePassedOver,
  type ImageSource,
  isAddress,
  isShards,
  type OpenedShards,
  openShards,
  type PassedOver,
} from '@beit/data';
import { cacheFolder } from '@beit/installed';
import { UsageError } from './commandLine';
import { hubLocation, isOnHub, localShards } from './onHub';
import { absolutePath, type Reader } from './options/optionReaders';

/** Room for shards, in GB, unless BEIT_CACHE_GB says otherwise: four windows of usual shards and more. */
const CACHE_GIGABYTES = 50;

/** Where images are said to be: paths resolved, addresses as they are. @param what it is called in messages */
export const locationOf = (text: string, what: string): string =>
  text
    .split('::')
    .map((part) => (isAddress(part) ? part : absolutePath(part, what)))
    .join('::');

/** Where `--data` says that images are; `hf:owner/name`: a data set on the Hub. */
export const dataLocation: Reader<string> = (text, flag) =>
  isOnHub(text) ? hubLocation(text, 'dataset', flag) : locationOf(text, `--${flag}`);

/**
 * The shards at a location, brought from the Hub first where it names them there; undefined where it is a folder of images.
 *
 * @param shardWindow shards that are mixed with each other
 * @throws UsageError when BEIT_CACHE_GB is no number; ShardError as `openShards`
 */
export async function shardsAt(
  location: string,
  { shardWindow }: { readonly shardWindow?: number },
): Promise<OpenedShards | undefined> {
  const onHub = isOnHub(location) ? await localShards(location) : undefined;
  const local = onHub?.location ?? location;
  if (!(await isShards(local))) return undefined;
  const { BEIT_CACHE_GB = String(CACHE_GIGABYTES) } = process.env;
  const gigabytes = Number(BEIT_CACHE_GB);
  if (!(gigabytes > 0)) {
    throw new UsageError(`BEIT_CACHE_GB is '${BEIT_CACHE_GB}'; expected a number of gigabytes above 0.`);
  }
  const shards = await openShards(local, {
    cache: { directory: join(cacheFolder(), 'shards'), maxBytes: 1e9 * gigabytes },
    ...(shardWindow !== undefined && { window: shardWindow }),
  });
  const isLabelled = shards.train.labels !== undefined;
  return { ...(isLabelled && onHub?.classes && { classes: onHub.classes }), ...shards };
}

/** Where it is kept what large folders of images hold. */
export const folderIndexes = (): string => join(cacheFolder(), 'folders');

/** What people should know of the files that were taken, and of those that were not: sentences. */
export async function folderNotes(source: ImageSource, passedOver: PassedOver): Promise<string[]> {
  const others = describePassedOver(passedOver);
  const { looked, deep } = await countDeep(source);
  return [
    ...(others === undefined ? [] : [others]),
    ...(deep === 0
      ? []
      : [
          `${deep} of ${looked} images that were looked at have 16 bits a channel: their levels are scaled to 8 bits, ` +
            'but taken as they are in an image that has none above 255.',
        ]),
  ];
}
