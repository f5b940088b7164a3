/** Where images come from, as plain data that a worker thread can take. */
export type ImageSource = FolderSource | MemorySource;

export interface FolderSource {
  readonly kind: 'folder';
  readonly directory: string;
  /** Paths below `directory`, with `/`, sorted. */
  readonly names: readonly string[];
}

/** Images of one size that are decoded already and shared by all threads. */
export interface MemorySource {
  readonly kind: 'memory';
  readonly names: readonly string[];
  /** Side of the square images, pixels. */
  readonly size: number;
  /** `[names.length, size, size, 4]`, red, green, blue and opacity (not premultiplied). */
  readonly pixels: SharedArrayBuffer;
}
