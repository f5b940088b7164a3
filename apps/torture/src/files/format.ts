import type { Random } from '@beit/random';

/** A file that is another one. */
export interface Changed {
  readonly bytes: Uint8Array;
  /** What it says, where it is whole: it must be read, and as this. */
  readonly means?: unknown;
  /** Beside the file, an error must name one of these; left out: nothing more. */
  readonly keys?: readonly string[];
}

/** A kind of files that come from strangers. */
export interface Format {
  readonly name: string;
  /** Ending of the file's name. */
  readonly ending: string;
  /** A whole file. @param folder an empty one of its own */
  make(folder: string): Promise<Uint8Array>;
  /** Left out: bytes are changed, see `mutate`. */
  change?(whole: Uint8Array, random: Random): Changed;
  /** Reads a file as the apps do. @throws what the apps tell of it */
  read(path: string): Promise<unknown>;
  /** Whether a changed file must be refused or say what the whole one says, but for what `change` says that it means. */
  readonly isExact?: true;
  /** Whether a changed file is read among what `make` leaves in the folder. */
  readonly needsWhole?: true;
}
