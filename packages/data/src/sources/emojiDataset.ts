import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createRandom } from '@beit/random';
import type { MemorySource } from './source';

/** One render of the embedded data set. */
export interface Emoji {
  /** Its code points: `1f44d-1f3fb`. */
  readonly id: string;
  /** Without skin tones; variants of one base look nearly alike. */
  readonly base: string;
  /** `thumbs up`, or the id where Unicode has no name for it. */
  readonly name: string;
  readonly group: string;
  readonly subgroup: string;
}

export interface EmojiDataset {
  readonly source: MemorySource;
  /** What each image of `source` shows. */
  readonly emoji: readonly Emoji[];
}

export type EmojiSplit = 'train' | 'heldOut' | 'all';

const SKIN_TONE = /^1f3f[b-f]$/;

/** Whether it is a variant in a skin tone, which looks nearly like its base. */
export const isSkinToned = ({ id }: Pick<Emoji, 'id'>): boolean =>
  id.split(/[-_]/).some((codePoint) => SKIN_TONE.test(codePoint.toLowerCase()));

/** One spelling of a sequence: variation selectors and the end of a tag add nothing, code points have four digits. */
const canonical = (id: string) =>
  id
    .toLowerCase()
    .split(/[-_]/)
    .filter((codePoint) => codePoint !== 'fe0f' && codePoint !== 'e007f')
    .map((codePoint) => codePoint.padStart(4, '0'))
    .join('-');

const baseOf = (id: string) =>
  canonical(id)
    .split('-')
    .filter((codePoint) => !SKIN_TONE.test(codePoint))
    .join('-');

/**
 * The split is a function of the base's code points alone: neither skin tones nor other spellings of one emoji straddle
 * it, no list is kept, and a larger share holds out all that a smaller one does.
 */
const isHeldOut = (base: string, share: number) => createRandom('emoji split', base).uniform() < share;

interface EmojibaseEntry {
  hexcode: string;
  label: string;
  group?: number;
  subgroup?: number;
}
interface EmojibaseMessages {
  groups: { message: string; order: number }[];
  subgroups: { message: string; order: number }[];
}

/** The optional packages: renders from one, names from the other. */
function locate(): { assets: string; names: string } {
  const require = createRequire(import.meta.url);
  try {
    return {
      assets: join(dirname(require.resolve('@lobehub/fluent-emoji-3d/package.json')), 'assets'),
      names: join(dirname(require.resolve('emojibase-data/package.json')), 'en'),
    };
  } catch (cause) {
    throw new Error(
      'The embedded data set needs two packages: npm install @lobehub/fluent-emoji-3d@1.1.0 emojibase-data@17.0.0',
      { cause },
    );
  }
}

const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;

async function describeAll(ids: readonly string[], names: string): Promise<Emoji[]> {
  const entries = await readJson<EmojibaseEntry[]>(join(names, 'data.json'));
  const { groups, subgroups } = await readJson<EmojibaseMessages>(join(names, 'messages.json'));
  const byId = new Map(entries.map((entry) => [canonical(entry.hexcode), entry]));
  const title = (list: readonly { message: string; order: number }[], order: number | undefined) =>
    list.find((item) => item.order === order)?.message ?? 'other';
  return ids.map((id) => {
    const base = baseOf(id);
    const entry = byId.get(base);
    return {
      id,
      base,
      name: entry?.label ?? id,
      group: title(groups, entry?.group),
      subgroup: title(subgroups, entry?.subgroup),
    };
  });
}

/**
 * What the embedded data set shows, without decoding it.
 *
 * @throws when the optional packages that hold it are not installed
 */
export async function emojiCatalog(): Promise<Emoji[]> {
  const { assets, names } = locate();
  const files = (await readdir(assets)).filter((file) => file.endsWith('.webp'));
  return describeAll(files.map((file) => file.slice(0, -'.webp'.length)).sort(), names);
}

export interface EmojiOptions {
  readonly split: EmojiSplit;
  /** Share of the base emoji that is held out, above 0 and below 1. Default 0.1: 293 of the 3,391 pictures. */
  readonly heldOutShare?: number;
  /** Which of the split are wanted; others are not decoded. Default: all. */
  readonly select?: (emoji: Emoji) => boolean;
  /** Side to which the renders of 256 pixels are reduced once, when they are decoded. Default 96. */
  readonly size?: number;
  /** Called with the number of images decoded so far, and of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The embedded data set: Microsoft's Fluent Emoji in 3D (MIT), 3,391 renders with opacity. Decoded into memory that
 * worker threads share, `size * size * 4` bytes each.
 *
 * @throws RangeError when `heldOutShare` is no share
 * @throws when the optional packages that hold it are not installed
 */
export async function emojiDataset({
  split,
  heldOutShare = 0.1,
  select = () => true,
  size = 96,
  onProgress,
}: EmojiOptions): Promise<EmojiDataset> {
  if (!(heldOutShare > 0 && heldOutShare < 1)) {
    throw new RangeError(`heldOutShare is ${heldOutShare}; expected a number above 0 and below 1.`);
  }
  const { assets } = locate();
  const emoji = (await emojiCatalog()).filter(
    (one) => (split === 'all' || isHeldOut(one.base, heldOutShare) === (split === 'heldOut')) && select(one),
  );
  const chosen = emoji.map(({ id }) => id);

  const { default: sharp } = await import('sharp');
  const bytes = size * size * 4;
  const pixels = new SharedArrayBuffer(chosen.length * bytes);
  let next = 0;
  let done = 0;
  const decodeSome = async () => {
    while (next < chosen.length) {
      const index = next++;
      const file = join(assets, `${chosen[index]}.webp`);
      const raw = await sharp(file).resize(size, size, { fit: 'fill' }).ensureAlpha().raw().toBuffer();
      new Uint8Array(pixels, index * bytes, bytes).set(raw);
      onProgress?.(++done, chosen.length);
    }
  };
  // Each decodes in a thread of libuv's pool, which has four.
  await Promise.all([decodeSome(), decodeSome(), decodeSome(), decodeSome()]);
  return { source: { kind: 'memory', names: chosen, size, pixels }, emoji };
}
