import type { GridSize } from '@beit/attention';
import { createBlockwiseMasking, type StopRule } from '@beit/masking';
import { NumberInput, Slider, Stack, Text } from '@mantine/core';

export interface MaskSettings {
  readonly maskRatio: number;
  readonly minNumPatches: number;
  readonly minAspect: number;
  readonly seed: number;
  readonly stopRule?: StopRule;
}

/** The paper's, with blocks as small against the grid as 16 patches of 196 are. */
export const settingsFor = ([rows, columns]: GridSize): MaskSettings => ({
  maskRatio: 0.4,
  minNumPatches: Math.max(1, Math.round((16 * rows * columns) / 196)),
  minAspect: 0.3,
  seed: 0,
});

export interface SampledMask {
  readonly mask?: Uint8Array;
  /** What cannot be, in words. */
  readonly error?: string;
}

/** One mask of these settings. */
export function sampleMask(gridSize: GridSize, { seed, ...options }: MaskSettings): SampledMask {
  try {
    return { mask: createBlockwiseMasking({ gridSize, ...options }).generate(seed) };
  } catch (cause) {
    return { error: (cause as Error).message };
  }
}

/** Sliders of blockwise masking. */
export function MaskSampler({
  gridSize: [rows, columns],
  settings,
  onChange,
}: {
  gridSize: GridSize;
  settings: MaskSettings;
  onChange: (settings: MaskSettings) => void;
}) {
  const set = (change: Partial<MaskSettings>) => onChange({ ...settings, ...change });
  return (
    <Stack gap="md">
      <Field name="Share of patches to mask" value={`${Math.round(100 * settings.maskRatio)} %`}>
        <Slider
          thumbLabel="Share of patches to mask"
          min={0.05}
          max={0.9}
          step={0.05}
          label={null}
          value={settings.maskRatio}
          onChange={(maskRatio) => set({ maskRatio })}
        />
      </Field>
      <Field name="Smallest block, patches" value={String(settings.minNumPatches)}>
        <Slider
          thumbLabel="Smallest block, patches"
          min={1}
          max={Math.max(2, Math.floor((rows * columns) / 3))}
          step={1}
          label={null}
          value={settings.minNumPatches}
          onChange={(minNumPatches) => set({ minNumPatches })}
        />
      </Field>
      <Field
        name="Height / width of a block"
        value={`${settings.minAspect.toFixed(2)} to ${(1 / settings.minAspect).toFixed(2)}`}
      >
        <Slider
          thumbLabel="Smallest height / width of a block"
          min={0.1}
          max={1}
          step={0.05}
          label={null}
          value={settings.minAspect}
          onChange={(minAspect) => set({ minAspect })}
        />
      </Field>
      <NumberInput
        label="Seed"
        description="The same seed gives the same mask"
        min={0}
        step={1}
        allowDecimal={false}
        value={settings.seed}
        onChange={(seed) => set({ seed: Number(seed) || 0 })}
      />
    </Stack>
  );
}

function Field({ name, value, children }: { name: string; value: string; children: React.ReactNode }) {
  return (
    <div>
      <Text size="sm" mb={4}>
        {name}: <b>{value}</b>
      </Text>
      {children}
    </div>
  );
}
