import { writeFileAtomic } from '@beit/weights';

/** Writes a file so that whatever happens the old one or the whole new one is there. @throws with its path */
export const writeWhole = (path: string, content: string | Uint8Array): Promise<void> =>
  writeFileAtomic(path, [typeof content === 'string' ? new TextEncoder().encode(content) : content]);

/** The same of JSON. */
export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeWhole(path, `${JSON.stringify(value, null, 2)}\n`);
