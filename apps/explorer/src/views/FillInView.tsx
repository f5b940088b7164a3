import { Button, Group, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useCallback, useMemo, useRef, useState } from 'react';
import { MaskSampler, type MaskSettings, sampleMask, settingsFor } from '../components/MaskSampler';
import { Notice } from '../components/Notice';
import { PatchGrid } from '../components/PatchGrid';
import { PixelCanvas } from '../components/PixelCanvas';
import { saveJson } from '../components/saveJson';
import type { FilledIn } from '../model/explorerModel';
import type { OpenModel } from '../model/useModel';
import { useResult } from '../model/useResult';
import type { Picture } from '../pictures/picture';

/** Hide patches, and see the model fill them in. */
export function FillInView({ model, picture }: { model: OpenModel; picture: Picture }) {
  const { tokenizer, without } = model.facts;
  if (!tokenizer)
    return <Notice title="Nothing can be filled in with this checkpoint">{without ?? ''}</Notice>;
  return <FillIn model={model} picture={picture} size={tokenizer.imageSize} />;
}

const DEBOUNCE = 120;
const ROUNDS = 8;

function FillIn({
  model,
  picture,
  size,
}: {
  model: OpenModel;
  picture: Picture;
  size: readonly [number, number];
}) {
  const { gridSize } = model.facts;
  const [settings, setSettings] = useState<MaskSettings>(() => settingsFor(gridSize));
  const [mask, setMask] = useState(
    () => sampleMask(gridSize, settingsFor(gridSize)).mask ?? new Uint8Array(gridSize[0] * gridSize[1]),
  );
  const [problem, setProblem] = useState<string>();
  const [rounds, setRounds] = useState(1);
  const paint = useRef(1);
  const [settled] = useDebouncedValue(mask, DEBOUNCE);
  const { worker } = model;
  const { value, error } = useResult(
    useCallback(
      async () => ({ name: picture.name, ...(await worker.fillIn(picture, settled, rounds)) }),
      [worker, picture, settled, rounds],
    ),
  );
  const own = useResult(useCallback(() => worker.tokens(picture), [worker, picture]));

  const sample = (next: MaskSettings) => {
    setSettings(next);
    const { mask, error } = sampleMask(gridSize, next);
    setProblem(error);
    if (mask) setMask(mask);
  };
  const onPatch = (patch: number, isFirst: boolean) => {
    if (isFirst) paint.current = mask[patch] ? 0 : 1;
    setMask((before) => before.map((is, i) => (i === patch ? paint.current : is)));
  };
  const masked = mask.reduce((sum, is) => sum + is, 0);
  const score = useMemo(() => value && scoreOf(value), [value]);

  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
      <Stack gap="sm">
        <PatchGrid
          gridSize={gridSize}
          label={`Patches of ${picture.name}: hide or show them`}
          isMasked={(patch) => mask[patch] === 1}
          onPatch={onPatch}
        >
          <img className="under" src={picture.url} alt={picture.name} draggable={false} />
        </PatchGrid>
        <Text size="sm" c="dimmed">
          Paint over the picture, or use the arrow keys and the space bar. {masked} of {mask.length} patches
          are hidden.
        </Text>
        <Group gap="xs">
          <Button size="xs" onClick={() => sample({ ...settings, seed: settings.seed + 1 })}>
            Draw another mask
          </Button>
          <Button size="xs" variant="default" onClick={() => setMask(new Uint8Array(mask.length))}>
            Show everything
          </Button>
        </Group>
        <MaskSampler gridSize={gridSize} settings={settings} onChange={sample} />
        {problem && <Notice title="No such mask">{problem}</Notice>}
      </Stack>
      <Stack gap="sm" aria-live="polite">
        {error && <Notice title="The model could not fill it in">{error}</Notice>}
        <Text fw={600}>What the model makes of it{value && `, ${decibels(value.psnr)}`}</Text>
        <SegmentedControl
          size="xs"
          style={{ alignSelf: 'flex-start' }}
          aria-label="How the hidden patches are filled in"
          value={String(rounds)}
          onChange={(chosen) => setRounds(Number(chosen))}
          data={[
            { value: '1', label: 'All at once' },
            { value: String(ROUNDS), label: `In ${ROUNDS} rounds, the surest first` },
          ]}
        />
        {value ? (
          <PixelCanvas
            width={size[1]}
            height={size[0]}
            pixels={value.picture}
            smooth
            label="The picture decoded from visible and predicted visual tokens"
          />
        ) : (
          <Text>Computing in your browser …</Text>
        )}
        {score && value && (
          <Text size="sm">
            {score.hidden === 0
              ? 'Nothing is hidden.'
              : `${score.right} of ${score.hidden} hidden visual tokens are exactly right; the model gives those it chose ${(100 * score.sure).toFixed(0)} % on average.`}{' '}
            {Math.round(value.milliseconds)} ms.
          </Text>
        )}
        <Text fw={600} mt="xs">
          What the tokenizer makes of the whole picture{own.value && `, ${decibels(own.value.psnr)}`}
        </Text>
        {own.value && (
          <PixelCanvas
            width={size[1]}
            height={size[0]}
            pixels={own.value.picture}
            smooth
            label="The picture decoded from its own visual tokens: the best that can be filled in"
          />
        )}
        {value && (
          <Button
            variant="default"
            size="xs"
            style={{ alignSelf: 'flex-end' }}
            onClick={() =>
              saveJson('filled-in.json', {
                picture: value.name,
                mask: [...value.mask],
                tokens: [...value.tokens],
                probability: [...value.probability],
                pixels: [...value.picture],
              })
            }
          >
            Save the numbers
          </Button>
        )}
      </Stack>
    </SimpleGrid>
  );
}

const decibels = (psnr: number) => `${psnr.toFixed(1)} dB`;

/** How many tokens were hidden, how many are right, and the probability that the model gives its choice on average. */
function scoreOf({ mask, visualTokens, tokens, probability }: FilledIn) {
  const hidden = [...mask.keys()].filter((i) => mask[i]);
  const right = hidden.filter((i) => tokens[i] === visualTokens[i]).length;
  const sure = hidden.reduce((sum, i) => sum + probability[i]!, 0) / hidden.length;
  return { hidden: hidden.length, right, sure };
}
