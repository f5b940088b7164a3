import { ADE20K_CLASSES, ADE20K_PALETTE, colorClasses, createPalette, overlayClasses } from '../src';

test('150 classes of ADE20K with their colours', () => {
  expect(ADE20K_CLASSES.length).toBe(150);
  expect(ADE20K_PALETTE.length).toBe(150);
  expect(new Set(ADE20K_CLASSES).size).toBe(150);
  expect(ADE20K_CLASSES).toContain('television receiver');
  expect(ADE20K_CLASSES.filter((name) => /\s\s|^\s|\s$|\n/.test(name))).toEqual([]);
  const colorOf = (name: string) => ADE20K_PALETTE[ADE20K_CLASSES.indexOf(name)];
  // From the benchmark's table of colours.
  expect(colorOf('wall')).toEqual([120, 120, 120]);
  expect(colorOf('chest of drawers')).toEqual([6, 51, 255]);
  expect(colorOf('flag')).toEqual([92, 0, 255]);
  for (const channel of ADE20K_PALETTE.flat()) expect(channel).toBeLessThanOrEqual(255);
});

test('colours of a palette of any size differ', () => {
  const colors = createPalette(60);
  expect(new Set(colors.map(String)).size).toBe(60);
  expect(colors.flat().every((x) => Number.isInteger(x) && x >= 0 && x <= 255)).toBe(true);
});

test('classes become colours, and what has none is black or stays', () => {
  const palette = [
    [10, 20, 30],
    [200, 100, 0],
  ] as const;
  expect([...colorClasses([1, 255, 0], palette)]).toEqual([200, 100, 0, 0, 0, 0, 10, 20, 30]);
  const pixels = Uint8Array.of(100, 100, 100, 7, 8, 9);
  expect([...overlayClasses(pixels, [1, 255], palette)]).toEqual([150, 100, 50, 7, 8, 9]);
  expect([...overlayClasses(pixels, [1, 255], palette, 0)]).toEqual([...pixels]);
  expect(() => overlayClasses(pixels, [1], palette)).toThrow('1 classes for 2 pixels');
});
