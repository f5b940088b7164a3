import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom, type Random } from '@beit/random';
import { makeFolder } from '@beit/tensors';
import { drawBackground } from '../pixels/drawBackground';
import { type Emoji, type EmojiSplit, emojiDataset, isSkinToned } from '../sources/emojiDataset';
import type { MemorySource } from '../sources/source';
import { CLASSES } from './segmentationFolder';

export interface SceneOptions {
  /** Pixels of a scene. Default 128x96. */
  readonly width?: number;
  readonly height?: number;
  /** Share of the emoji of which the validation scenes are made, and no others. Default 0.1, as in `emojiDataset`. */
  readonly heldOutShare?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface EmojiScenesOptions extends SceneOptions {
  /** Numbers of scenes. */
  readonly training: number;
  readonly validation: number;
  /** Called with the number of scenes written so far, and of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

export type ScenePart = 'training' | 'validation';

export interface EmojiScene {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]` */
  readonly pixels: Uint8Array;
  /** `[height, width]`, classes. */
  readonly labels: Uint8Array;
  /** `[height, width]`: 0 is the background, 1, 2, ... the objects, those behind first; hidden ones are nowhere. */
  readonly objects: Uint8Array;
}

export interface EmojiScenes {
  /** `background` first. */
  readonly classes: readonly string[];
  /** A scene is a function of the seed, the part and its number, 0 or more. */
  scene(part: ScenePart, index: number): Promise<EmojiScene>;
}

/** Side of the renders, pixels; no object is larger. */
const RENDER_SIZE = 96;
/** Objects in a scene. */
const OBJECTS = [2, 5] as const;
/** Side of an object as a share of the scene's height. */
const OBJECT_SIDE = [0.25, 0.8] as const;
/** Share of an object that may lie outside of the scene. */
const OUTSIDE = 0.25;
/** Opacity from which a pixel belongs to the object. */
const OBJECT_OPACITY = 128;
const BACKGROUND = 'background';

/**
 * Scenes of several emoji before textured backgrounds, with the group of what each pixel shows: true masks, from the opacity
 * of the renders, overlaps included. The validation scenes are of emoji that no training scene has.
 *
 * @throws when the packages that hold the emoji are not installed
 */
export async function emojiScenes({
  width = 128,
  height = 96,
  heldOutShare,
  seed = 0,
}: SceneOptions = {}): Promise<EmojiScenes> {
  const select = (emoji: Emoji) => !isSkinToned(emoji) && emoji.group !== 'other';
  const part = (split: EmojiSplit) => emojiDataset({ split, size: RENDER_SIZE, heldOutShare, select });
  const parts = { training: await part('train'), validation: await part('heldOut') };
  const groups = [...new Set(parts.training.emoji.map(({ group }) => group))].sort();
  const classes = [BACKGROUND, ...groups];
  return {
    classes,
    scene(name, index) {
      const { source, emoji } = parts[name];
      const labelOf = (image: number) => classes.indexOf(emoji[image]!.group);
      return drawScene(source, labelOf, { width, height }, createRandom(seed, 'emoji scene', name, index));
    },
  };
}

/**
 * `emojiScenes`, written to a folder in the layout of ADE20K.
 *
 * @returns names of the classes, as in the folder's `classes.json`, which is written last
 * @throws when the packages that hold the emoji are not installed
 */
export async function writeEmojiScenes(
  directory: string,
  { training, validation, onProgress, ...options }: EmojiScenesOptions,
): Promise<readonly string[]> {
  const { classes, scene } = await emojiScenes(options);
  const counts = { training, validation };
  let done = 0;
  for (const part of ['training', 'validation'] as const) {
    const folders = [join(directory, 'images', part), join(directory, 'annotations', part)] as const;
    for (const folder of folders) await makeFolder(folder);
    for (let i = 0; i < counts[part]; i++) {
      await writeScene(folders, `${part}_${String(i + 1).padStart(6, '0')}`, await scene(part, i));
      onProgress?.(++done, training + validation);
    }
  }
  await writeFile(join(directory, CLASSES), `${JSON.stringify(classes, null, 2)}\n`);
  return classes;
}

async function drawScene(
  source: MemorySource,
  labelOf: (image: number) => number,
  { width, height }: { width: number; height: number },
  random: Random,
): Promise<EmojiScene> {
  const scene = {
    width,
    height,
    pixels: drawBackground(width, height, random),
    labels: new Uint8Array(width * height),
    objects: new Uint8Array(width * height),
  };
  const count = random.integer(...OBJECTS);
  for (let object = 1; object <= count; object++) {
    const index = random.integer(0, source.names.length - 1);
    const side = Math.min(RENDER_SIZE, Math.round(height * random.uniform(...OBJECT_SIDE)));
    const reach = Math.floor(OUTSIDE * side);
    const left = random.integer(-reach, width - side + reach);
    const top = random.integer(-reach, height - side + reach);
    const mirrored = random.uniform() < 0.5;
    const place = { left, top, side, mirrored };
    paste(scene, await render(source, index, side), place, { label: labelOf(index), object });
  }
  return scene;
}

/** `[side, side, 4]` */
async function render({ size, pixels }: MemorySource, index: number, side: number): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const bytes = size * size * 4;
  const whole = new Uint8Array(pixels, index * bytes, bytes);
  return sharp(whole, { raw: { width: size, height: size, channels: 4 } })
    .resize(side, side, { fit: 'fill' })
    .raw()
    .toBuffer();
}

interface Place {
  readonly left: number;
  readonly top: number;
  readonly side: number;
  readonly mirrored: boolean;
}

function paste(
  { width, height, pixels, labels, objects }: EmojiScene,
  rendered: Uint8Array,
  { left, top, side, mirrored }: Place,
  { label, object }: { readonly label: number; readonly object: number },
): void {
  for (let y = Math.max(0, -top); y < Math.min(side, height - top); y++) {
    for (let x = Math.max(0, -left); x < Math.min(side, width - left); x++) {
      const from = 4 * (y * side + (mirrored ? side - 1 - x : x));
      const to = (top + y) * width + left + x;
      const opacity = rendered[from + 3]! / 255;
      for (let c = 0; c < 3; c++) {
        const below = pixels[3 * to + c]!;
        pixels[3 * to + c] = Math.round(below + opacity * (rendered[from + c]! - below));
      }
      if (rendered[from + 3]! < OBJECT_OPACITY) continue;
      labels[to] = label;
      objects[to] = object;
    }
  }
}

async function writeScene(
  [images, annotations]: readonly [string, string],
  name: string,
  { width, height, pixels, labels }: EmojiScene,
): Promise<void> {
  const { default: sharp } = await import('sharp');
  // ADE20K's numbers: 0 would be no class.
  const numbers = labels.map((label) => label + 1);
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92 })
    .toFile(join(images, `${name}.jpg`));
  await sharp(numbers, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toFile(join(annotations, `${name}.png`));
}
