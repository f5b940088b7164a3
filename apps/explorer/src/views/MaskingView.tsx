import { Button, Code, CopyButton, Group, NumberInput, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { MaskSampler, type MaskSettings, sampleMask, settingsFor } from '../components/MaskSampler';
import { Notice } from '../components/Notice';
import { PixelCanvas } from '../components/PixelCanvas';

const MASKS = 6;
const STOP_RULES = [
  { value: 'official', label: "official: BEiT's code, may stop short" },
  { value: 'exact', label: 'exact: as many as asked (BEiT v2)' },
  { value: 'paper', label: 'paper: Algorithm 1, until more than asked' },
] as const;

/** The masking generator by itself, with the code for one's own project. */
export function MaskingView() {
  const [side, setSide] = useState(14);
  const [settings, setSettings] = useState<MaskSettings>({ ...settingsFor([14, 14]), stopRule: 'official' });
  const gridSize = [side, side] as const;
  const masks = useMemo(
    () =>
      Array.from({ length: MASKS }, (_, i) =>
        sampleMask([side, side], { ...settings, seed: settings.seed + i }),
      ),
    [side, settings],
  );
  const error = masks.find((one) => one.error)?.error;
  const code = codeFor(side, settings);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
      <Stack gap="sm">
        <Text>
          BEiT hides whole blocks of patches. These are the first {MASKS} masks of a seed; no model is needed.
        </Text>
        <NumberInput
          label="Patches along a side"
          min={2}
          max={64}
          allowDecimal={false}
          clampBehavior="strict"
          value={side}
          onChange={(value) => {
            const next = Number(value);
            if (!(next >= 2 && next <= 64)) return;
            setSide(next);
            setSettings({ ...settings, minNumPatches: settingsFor([next, next]).minNumPatches });
          }}
        />
        <MaskSampler gridSize={gridSize} settings={settings} onChange={setSettings} />
        <Select
          label="When a mask is finished"
          data={STOP_RULES}
          allowDeselect={false}
          value={settings.stopRule ?? 'official'}
          onChange={(value) => setSettings({ ...settings, stopRule: value as MaskSettings['stopRule'] })}
        />
      </Stack>
      <Stack gap="sm">
        {error ? (
          <Notice title="No such mask">{error}</Notice>
        ) : (
          <SimpleGrid cols={3} spacing="xs" aria-live="polite">
            {masks.map(({ mask }, i) => {
              const masked = mask!.reduce((sum, is) => sum + is, 0);
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: a mask is its number
                <figure key={i} style={{ margin: 0 }}>
                  <PixelCanvas
                    width={side}
                    height={side}
                    pixels={maskPixels(mask!)}
                    label={`Mask of seed ${settings.seed + i}: ${masked} of ${mask!.length} patches hidden`}
                  />
                  <figcaption>
                    <Text size="xs" ta="center">
                      {masked} of {mask!.length}
                    </Text>
                  </figcaption>
                </figure>
              );
            })}
          </SimpleGrid>
        )}
        <Group justify="space-between">
          <Text fw={600}>In your own project</Text>
          <CopyButton value={code}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
        </Group>
        <Code block>npm install @beit/masking</Code>
        <Code block tabIndex={0} aria-label="Code for these masks">
          {code}
        </Code>
      </Stack>
    </SimpleGrid>
  );
}

const HIDDEN = [0.27, 0.27, 0.27];
const SHOWN = [0.53, 0.75, 0.92];
const maskPixels = (mask: Uint8Array) => Float32Array.from([...mask].flatMap((is) => (is ? HIDDEN : SHOWN)));

function codeFor(
  side: number,
  { seed, maskRatio, minNumPatches, minAspect, stopRule }: MaskSettings,
): string {
  const lines = [
    `  gridSize: ${side},`,
    `  maskRatio: ${maskRatio},`,
    `  minNumPatches: ${minNumPatches},`,
    `  minAspect: ${minAspect},`,
    ...(stopRule === 'official' || stopRule === undefined ? [] : [`  stopRule: '${stopRule}',`]),
  ];
  return `import { createBlockwiseMasking } from '@beit/masking';

const masking = createBlockwiseMasking({
${lines.join('\n')}
});
const mask = masking.generate(${seed}); // Uint8Array(${side * side}), row-major, 1 = masked
`;
}
