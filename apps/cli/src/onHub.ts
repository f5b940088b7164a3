/** Names on the Hugging Face Hub beside paths: `microsoft/beit-base-patch16-224`, `hf:owner/name@revision`. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkpointFiles,
  HUB_PREFIX,
  type HubName,
  hubNameText,
  hubSnapshot,
  parquetFiles,
  parseHubName,
  type Snapshot,
  type SnapshotOptions,
} from '@beit/hub';
import { messageOf } from '@beit/tensors';
import { classNamesOfCard } from './classNamesOfCard';
import { UsageError } from './commandLine';
import { absolutePath, type Reader } from './options/optionReaders';

/** Whether something is named on the Hub, and not by a path. */
export const isOnHub = (location: string): boolean => location.startsWith(HUB_PREFIX);

/** A model's path, absolute; a name on the Hub where there is no such path here, with the prefix `hf:`. */
export const modelLocation: Reader<string> = (text, flag) => {
  if (isOnHub(text)) return hubLocation(text, 'model', flag);
  const path = absolutePath(text, `--${flag}`);
  const name = existsSync(path) ? undefined : parseHubName(text, 'model');
  return name ? HUB_PREFIX + hubNameText(name) : path;
};

/** @throws UsageError when it is no name */
export function hubLocation(text: string, kind: HubName['kind'], flag: string): string {
  const name = parseHubName(text, kind);
  if (!name)
    throw new UsageError(`--${flag} is '${text}'; expected hf:owner/name or hf:owner/name@revision.`);
  return HUB_PREFIX + hubNameText(name);
}

/** A path that has the model: the location itself, or the cache's folder of a name on the Hub. */
export async function localModel(location: string): Promise<string> {
  if (!isOnHub(location)) return location;
  return (await snapshotOf(location, 'model', checkpointFiles)).folder;
}

/** A data set of the Hub in the cache. */
export interface LocalShards {
  /** Where its shards are, as `openShards` takes it. */
  readonly location: string;
  /** Names of the classes that its card tells, for files that tell none. */
  readonly classes?: readonly string[];
}

export async function localShards(location: string): Promise<LocalShards> {
  const { folder, paths } = await snapshotOf(location, 'dataset', dataFiles);
  const shards = paths.filter((path) => path !== CARD).map((path) => join(folder, path));
  const classes = paths.includes(CARD)
    ? classNamesOfCard(await readFile(join(folder, CARD), 'utf8'))
    : undefined;
  return { location: shards.join('::'), ...(classes && { classes }) };
}

const CARD = 'README.md';
const dataFiles = (paths: readonly string[]) => [
  ...parquetFiles(paths),
  ...paths.filter((path) => path === CARD),
];

/**
 * The commit that a name on the Hub stands for at this moment; its files are brought.
 *
 * @throws as `localModel`, `localShards`
 */
export async function commitOnHub(location: string, kind: HubName['kind']): Promise<string> {
  const select = kind === 'dataset' ? dataFiles : checkpointFiles;
  return (await snapshotOf(location, kind, select)).commit;
}

/** What is named on the Hub, as it was at a commit. */
export const atCommit = (location: string, commit: string): string =>
  `${location.replace(/@.*$/, '')}@${commit}`;

async function snapshotOf(
  location: string,
  kind: HubName['kind'],
  select: SnapshotOptions['select'],
): Promise<Snapshot> {
  const name = parseHubName(location, kind);
  if (!name) throw new Error(`'${location}' is no name on the Hub; expected hf:owner/name@revision.`);
  const shown = hubNameText(name);
  const say = (text: string) => console.error(`${shown}: ${text}`);
  try {
    return await hubSnapshot(name, {
      select,
      onFile: ({ path, bytes }) => say(`fetching ${path}, ${(bytes / 1e6).toPrecision(3)} MB`),
      onCache: (reason) => say(`as the cache has it, since ${reason}`),
    });
  } catch (cause) {
    // A path that was mistyped looks like a name.
    const path = absolutePath(shown, 'A path');
    const here = existsSync(path) ? '' : `There is no path '${path}' here. `;
    throw new Error(here + messageOf(cause), { cause });
  }
}
