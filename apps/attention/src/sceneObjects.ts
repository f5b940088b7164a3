import type { GridSize } from '@beit/attention';
import { type EmojiScene, emojiScenes } from '@beit/data';
import type { Picture } from '@beit/report';
import { type ImageSize, imageSides } from '@beit/tensors';

/** A scene of the embedded emoji and where its objects are. */
export interface ObjectScene {
  readonly image: Picture;
  /** `[rows * columns]` of each object that can be seen: 1 for the patches of which it covers at least half. */
  readonly objects: readonly Uint8Array[];
}

/** The share of the emoji that no training has seen, however large the share that it held out. */
const HELD_OUT_SHARE = 0.1;

/** Scenes as large as a model's images, of emoji that its training has not seen. */
export async function sceneSource(
  size: ImageSize,
  gridSize: GridSize,
): Promise<(index: number) => Promise<ObjectScene>> {
  const [height, width] = imageSides(size);
  const { scene } = await emojiScenes({ width, height, heldOutShare: HELD_OUT_SHARE });
  return async (index) => {
    const drawn = await scene('validation', index);
    const data = Float32Array.from(drawn.pixels, (value) => value / 255);
    return { image: { width, height, data }, objects: objectPatches(drawn, gridSize) };
  };
}

/** Objects without such a patch are left out. */
export function objectPatches(
  { width, height, objects }: Pick<EmojiScene, 'width' | 'height' | 'objects'>,
  [rows, columns]: GridSize,
): Uint8Array[] {
  const pixels = (width * height) / (rows * columns);
  const counts = new Map<number, Uint32Array>();
  objects.forEach((object, i) => {
    if (object === 0) return;
    const row = Math.floor((Math.floor(i / width) * rows) / height);
    const column = Math.floor(((i % width) * columns) / width);
    const own = counts.get(object) ?? new Uint32Array(rows * columns);
    own[row * columns + column]! += 1;
    counts.set(object, own);
  });
  return [...counts.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, own]) => Uint8Array.from(own, (count) => (count >= pixels / 2 ? 1 : 0)))
    .filter((patches) => patches.includes(1));
}

/** The patch of an object that is nearest to the center of all of them. */
export function middlePatch(object: Uint8Array, [, columns]: GridSize): [row: number, column: number] {
  const patches = [...object.keys()]
    .filter((i) => object[i])
    .map((i) => [Math.floor(i / columns), i % columns] as const);
  const mean = (axis: 0 | 1) => patches.reduce((sum, patch) => sum + patch[axis], 0) / patches.length;
  const [row, column] = [mean(0), mean(1)];
  const distance = (patch: readonly [number, number]) => Math.hypot(patch[0] - row, patch[1] - column);
  const [nearest] = [...patches].sort((a, b) => distance(a) - distance(b));
  return [...nearest!];
}
