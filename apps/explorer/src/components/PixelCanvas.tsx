import { useEffect, useRef } from 'react';

export interface PixelCanvasProps {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]` in [0, 1]. */
  readonly pixels: Float32Array;
  readonly label: string;
  readonly className?: string;
  /** Smooth where it is enlarged. */
  readonly smooth?: boolean;
}

/** Numbers as a picture. */
export function PixelCanvas({
  width,
  height,
  pixels,
  label,
  className = 'picture',
  smooth,
}: PixelCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[3 * i + c]! * 255;
      image.data[4 * i + 3] = 255;
    }
    canvas.current!.getContext('2d')!.putImageData(image, 0, 0);
  }, [width, height, pixels]);
  return (
    <canvas
      ref={canvas}
      width={width}
      height={height}
      role="img"
      aria-label={label}
      className={smooth ? className : `${className} pixels`}
    />
  );
}
