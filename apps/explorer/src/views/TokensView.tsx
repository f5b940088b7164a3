import { Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { Notice } from '../components/Notice';
import { PatchGrid } from '../components/PatchGrid';
import { PixelCanvas } from '../components/PixelCanvas';
import { nearestTokens } from '../model/codebook';
import type { OpenModel } from '../model/useModel';
import { useResult } from '../model/useResult';
import type { Picture } from '../pictures/picture';

const NEIGHBOURS = 8;

/** A picture as words of the tokenizer, and which words are alike. */
export function TokensView({ model, picture }: { model: OpenModel; picture: Picture }) {
  const { gridSize, tokenizer, without } = model.facts;
  const [rows, columns] = gridSize;
  const [patch, setPatch] = useState(0);
  const { worker } = model;
  const { value, error } = useResult(
    useCallback(
      () => (tokenizer ? named(picture.name, worker.tokens(picture)) : undefined),
      [worker, tokenizer, picture],
    ),
  );
  const codebook = useResult(
    useCallback(() => (tokenizer ? worker.codebook() : undefined), [worker, tokenizer]),
  );
  const pictures = useResult(
    useCallback(() => (value ? worker.tokenPictures(value.tokens) : undefined), [worker, value]),
  );
  const mosaic = useMemo(
    () => pictures.value && tokenizer && mosaicOf(pictures.value, gridSize, tokenizer.patchSize),
    [pictures.value, gridSize, tokenizer],
  );
  const token = value?.tokens[patch];
  const near = useMemo(
    () =>
      codebook.value && token !== undefined ? nearestTokens(codebook.value, token, NEIGHBOURS) : undefined,
    [codebook.value, token],
  );
  const nearPictures = useResult(
    useCallback(
      () => (near ? worker.tokenPictures(Int32Array.from(near, ({ token }) => token)) : undefined),
      [worker, near],
    ),
  );

  if (!tokenizer) return <Notice title="This checkpoint comes without visual tokens">{without ?? ''}</Notice>;
  if (error) return <Notice title="The visual tokens could not be computed">{error}</Notice>;
  const { patchSize, vocabSize } = tokenizer;
  const drawn = (i: number) =>
    nearPictures.value?.subarray(i * patchSize ** 2 * 3, (i + 1) * patchSize ** 2 * 3);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
      <Stack gap="xs">
        <Text fw={600}>
          {rows} x {columns} visual tokens of {vocabSize.toLocaleString('en')}
        </Text>
        {value && mosaic ? (
          <PatchGrid
            gridSize={gridSize}
            label={`Visual tokens of ${value.name}`}
            selected={patch}
            onPatch={setPatch}
            onHover={setPatch}
            describe={(at) => `token ${value.tokens[at]}`}
          >
            <PixelCanvas
              width={columns * patchSize}
              height={rows * patchSize}
              pixels={mosaic}
              className="under"
              label="Every patch drawn as its visual token alone"
            />
          </PatchGrid>
        ) : (
          <Text>Computing in your browser …</Text>
        )}
        <Text size="sm" c="dimmed">
          Each cell is drawn as its token looks among its like. Point at one, or use the arrow keys.
        </Text>
      </Stack>
      <Stack gap="sm">
        {token !== undefined && (
          <div aria-live="polite">
            <Text fw={600}>
              Token {token}, row {Math.floor(patch / columns) + 1}, column {(patch % columns) + 1}
            </Text>
            <Text size="sm">
              It stands {count(value!.tokens, token)} times in this picture, which has{' '}
              {new Set(value!.tokens).size} different tokens.
            </Text>
          </div>
        )}
        <Text size="sm" fw={600}>
          Its nearest neighbours in the codebook
        </Text>
        <Group gap="sm" align="flex-start">
          {near?.map(({ token, similarity }, i) => (
            <figure key={token} style={{ margin: 0, width: 64 }}>
              {drawn(i) && (
                <PixelCanvas
                  width={patchSize}
                  height={patchSize}
                  pixels={drawn(i)!}
                  label={`Token ${token}`}
                />
              )}
              <figcaption>
                <Text size="xs" ta="center">
                  {token}
                  <br />
                  {similarity.toFixed(2)}
                </Text>
              </figcaption>
            </figure>
          ))}
        </Group>
        <Text size="sm" c="dimmed">
          Neighbours by the cosine between rows of the decoder's first layer.
        </Text>
        {value && (
          <>
            <Text size="sm" fw={600}>
              Decoded together
            </Text>
            <PixelCanvas
              width={tokenizer.imageSize[1]}
              height={tokenizer.imageSize[0]}
              pixels={value.picture}
              smooth
              label="The picture that the decoder makes of all tokens"
            />
          </>
        )}
      </Stack>
    </SimpleGrid>
  );
}

const named = async <T extends object>(name: string, result: Promise<T>) => ({ name, ...(await result) });

const count = (tokens: Int32Array, token: number) => tokens.filter((own) => own === token).length;

/** `[patches, side, side, 3]` as one picture, `[rows * side, columns * side, 3]`. */
function mosaicOf(
  patches: Float32Array,
  [rows, columns]: readonly [number, number],
  side: number,
): Float32Array {
  const mosaic = new Float32Array(patches.length);
  for (let patch = 0; patch < rows * columns; patch++)
    for (let y = 0; y < side; y++) {
      const from = (patch * side + y) * side * 3;
      const [row, column] = [Math.floor(patch / columns), patch % columns];
      mosaic.set(patches.subarray(from, from + side * 3), ((row * side + y) * columns + column) * side * 3);
    }
  return mosaic;
}
