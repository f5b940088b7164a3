import { meanMap, patchAttention } from '@beit/attention';
import { Button, Group, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { HeatMap } from '../components/HeatMap';
import { Notice } from '../components/Notice';
import { PatchGrid } from '../components/PatchGrid';
import { saveJson } from '../components/saveJson';
import type { Attention } from '../model/explorerModel';
import type { OpenModel } from '../model/useModel';
import { useResult } from '../model/useResult';
import type { Picture } from '../pictures/picture';

/** What a patch attends to, by block and head. */
export function AttentionView({ model, picture }: { model: OpenModel; picture: Picture }) {
  const { worker } = model;
  const { gridSize, depth, numHeads } = model.facts;
  const [rows, columns] = gridSize;
  const { value, error } = useResult(
    useCallback(
      async () => ({ name: picture.name, ...(await worker.attention(picture)) }),
      [worker, picture],
    ),
  );
  const [block, setBlock] = useState(depth);
  const [head, setHead] = useState<'mean' | number>('mean');
  const [patch, setPatch] = useState(Math.floor(rows / 2) * columns + Math.floor(columns / 2));

  const point = [Math.floor(patch / columns), patch % columns] as const;
  const maps = useMemo(() => {
    if (!value) return undefined;
    const heads = patchAttention(layerOf(value, block - 1, model), gridSize, [
      Math.floor(patch / columns),
      patch % columns,
    ]);
    return { heads, mean: meanMap(heads) };
  }, [value, block, patch, model, gridSize, columns]);
  const shown = head === 'mean' ? maps?.mean : maps?.heads[head];

  if (error) return <Notice title="The attention could not be computed">{error}</Notice>;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
      <Stack gap="xs">
        <PatchGrid
          gridSize={gridSize}
          label={`Patches of ${picture.name}: choose one to see what it attends to`}
          selected={patch}
          onPatch={setPatch}
          describe={(at) => (shown ? `attention ${percent(shown[at]!)}` : 'computing')}
        >
          <img className="under" src={picture.url} alt={picture.name} draggable={false} />
        </PatchGrid>
        <Text size="sm" c="dimmed">
          Click a patch, drag over the picture, or use the arrow keys and Enter.
        </Text>
      </Stack>
      <Stack gap="sm" aria-live="polite">
        <Text fw={600}>
          What row {point[0] + 1}, column {point[1] + 1} attends to in block {block}
          {head === 'mean' ? ', mean of its heads' : `, head ${head + 1}`}
        </Text>
        {shown ? (
          <HeatMap
            gridSize={gridSize}
            map={shown}
            label={`Attention from row ${point[0] + 1}, column ${point[1] + 1}: strongest ${describeStrongest(shown, columns)}`}
          />
        ) : (
          <Text>Computing in your browser …</Text>
        )}
        <div>
          <Text size="sm" fw={600} id="block-label">
            Block
          </Text>
          <SegmentedControl
            aria-labelledby="block-label"
            size="xs"
            value={String(block)}
            onChange={(value) => setBlock(Number(value))}
            data={Array.from({ length: depth }, (_, i) => String(i + 1))}
            style={{ flexWrap: 'wrap' }}
          />
        </div>
        <div>
          <Text size="sm" fw={600} mb={4}>
            Heads
          </Text>
          <SimpleGrid cols={{ base: 4, xs: 5 }} spacing="xs">
            {maps && (
              <>
                <HeadButton
                  name="mean"
                  map={maps.mean}
                  gridSize={gridSize}
                  isOn={head === 'mean'}
                  onClick={() => setHead('mean')}
                />
                {maps.heads.map((map, i) => (
                  <HeadButton
                    // biome-ignore lint/suspicious/noArrayIndexKey: a head is its number
                    key={i}
                    name={`head ${i + 1}`}
                    map={map}
                    gridSize={gridSize}
                    isOn={head === i}
                    onClick={() => setHead(i)}
                  />
                ))}
              </>
            )}
          </SimpleGrid>
        </div>
        {value && (
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {depth} blocks of {numHeads} heads in {Math.round(value.milliseconds)} ms
            </Text>
            <Button
              variant="default"
              size="xs"
              onClick={() =>
                saveJson('attention.json', {
                  picture: value.name,
                  shape: [depth, numHeads, rows * columns + 1, rows * columns + 1],
                  attention: [...value.data],
                })
              }
            >
              Save the numbers
            </Button>
          </Group>
        )}
      </Stack>
    </SimpleGrid>
  );
}

interface HeadButtonProps {
  readonly name: string;
  readonly map: Float32Array;
  readonly gridSize: readonly [number, number];
  readonly isOn: boolean;
  readonly onClick: () => void;
}

function HeadButton({ name, map, gridSize, isOn, onClick }: HeadButtonProps) {
  return (
    <button type="button" className="head" aria-pressed={isOn} onClick={onClick}>
      <HeatMap gridSize={gridSize} map={map} label={`Attention, ${name}`} />
      <Text size="xs" ta="center">
        {name}
      </Text>
    </button>
  );
}

function layerOf({ data }: Attention, layer: number, { facts: { numHeads, gridSize } }: OpenModel) {
  const tokens = gridSize[0] * gridSize[1] + 1;
  const size = numHeads * tokens * tokens;
  return {
    shape: [numHeads, tokens, tokens] as const,
    data: data.subarray(layer * size, (layer + 1) * size),
  };
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

function describeStrongest(map: Float32Array, columns: number): string {
  const at = map.indexOf(map.reduce((a, b) => Math.max(a, b), 0));
  return `at row ${Math.floor(at / columns) + 1}, column ${(at % columns) + 1}, ${percent(map[at]!)}`;
}
