import { viridisColor } from '@beit/report/colors';
import { PixelCanvas } from './PixelCanvas';

export interface HeatMapProps {
  readonly gridSize: readonly [rows: number, columns: number];
  /** `[rows * columns]`, not negative. */
  readonly map: Float32Array;
  readonly label: string;
  readonly className?: string;
}

/** Attention of one head: viridis from 0 to its largest value. */
export function HeatMap({ gridSize: [rows, columns], map, label, className }: HeatMapProps) {
  const largest = map.reduce((a, b) => Math.max(a, b), 0);
  const pixels = Float32Array.from(
    [...map].flatMap((value) => viridisColor(largest > 0 ? value / largest : 0)),
  );
  return <PixelCanvas width={columns} height={rows} pixels={pixels} label={label} className={className} />;
}
