import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** A zip archive of these files. */
export async function zipOf(files: Readonly<Record<string, string>>, mode = 0o100644): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(text), name, { mode, mtime: new Date(0) });
  }
  zip.end();
  return buffer(Readable.from(zip.outputStream));
}

/** The same archive with a name replaced by one of the same length, which no zip library would write. */
export function renamed(archive: Buffer, name: string, hostile: string): Buffer {
  if (name.length !== hostile.length) throw new Error('Names of one length are needed.');
  return Buffer.from(archive.toString('latin1').replaceAll(name, hostile), 'latin1');
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export const json =
  (body: unknown) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json').end(JSON.stringify(body));
  };
export const html =
  (body: string) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(body);
  };
