/** A file of float32 rows with names; memory does not grow with them. */
export interface FeatureFile {
  /** @param about what the file says of itself */
  begin(about: Readonly<Record<string, string>>): void;
  /** @param name of the picture @param shape of its row, which is that of all */
  append(name: string, row: Float32Array, shape: readonly number[]): void;
  /** Writes the file, of one row at least. @returns the paths, the file's first */
  finish(): Promise<string[]>;
  /** Removes what was kept so far, and is not finished. */
  dispose(): void;
}
