import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { type FaultyServer, type Server, startFaulty, startNginx } from '../../../tooling/servers/nginx';
import { checksumOf, type DownloadOptions, download, httpFile } from '../src';
import { httpAddress } from '../src/httpAddress';
import { httpPieces } from '../src/httpPieces';

const describeServed = (name: string, tests: () => void) =>
  whereInstalled('nginx', () => describe(name, tests));

const BYTES = 3_000_000;
const FAST = { waitSeconds: 0.001, tries: 4 };

let folder: string;
let nginx: Server;
let faulty: FaultyServer;
let content: Buffer;
let checksum: { algorithm: 'sha256'; value: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-http-'));
  content = Buffer.from(Uint32Array.from({ length: BYTES / 4 }, (_, i) => Math.imul(i, 2654435761)).buffer);
  await writeFile(join(folder, 'a.bin'), content);
  checksum = { algorithm: 'sha256', value: await checksumOf(join(folder, 'a.bin'), 'sha256') };
  nginx = await startNginx(folder);
  faulty = await startFaulty(nginx.address);
});
afterAll(async () => {
  await faulty?.close();
  await nginx?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  faulty?.faults.splice(0);
  faulty?.requests.splice(0);
});

let downloads = 0;
/** @returns the path of what came */
async function bring(
  change: Partial<DownloadOptions> = {},
  from = `${faulty.address}/a.bin`,
): Promise<string> {
  const path = join(folder, `brought-${downloads++}`);
  await download(from, path, { mostBytes: 2 * BYTES, ...FAST, ...change });
  return path;
}
const isWhole = async (path: string) => (await readFile(path)).equals(content);
const partsLeft = async () => (await readdir(folder)).filter((name) => name.endsWith('.part'));

describeServed('a download', () => {
  test('brings the file', async () => {
    expect(await isWhole(await bring({}, `${nginx.address}/a.bin`))).toBe(true);
    expect(await isWhole(await bring({ bytes: BYTES, checksum }))).toBe(true);
    expect(faulty.requests).toEqual(['/a.bin whole']);
  });

  test('goes on where the connection broke, as often as it takes', async () => {
    const megabyte = { kind: 'break', after: 1_200_000 } as const;
    faulty.faults.push(megabyte, megabyte, { kind: 'break', after: 100 });
    expect(await isWhole(await bring())).toBe(true);
    expect(faulty.requests).toHaveLength(4);
    expect(faulty.requests.slice(1).every((request) => /^\/a\.bin bytes=\d+-$/.test(request))).toBe(true);
    const starts = faulty.requests.slice(1).map((request) => Number(/\d+/.exec(request.split('=')[1]!)![0]));
    expect(starts[0]).toBeGreaterThan(1_000_000);
    expect(starts[1]).toBeGreaterThan(starts[0]!);
  });

  test('gives up after several failures without progress, and says so', async () => {
    for (let i = 0; i < 4; i++) faulty.faults.push({ kind: 'break', after: 10 });
    await expect(bring()).rejects.toThrow(/127\.0\.0\.1.*that was the last of several tries/);
    expect(faulty.requests).toHaveLength(4);
  });

  test('takes up answers that are too short, whether they say how long they are or not', async () => {
    faulty.faults.push({ kind: 'short', after: 500_000 });
    expect(await isWhole(await bring({ bytes: BYTES }))).toBe(true);
    expect(faulty.requests).toHaveLength(2);
  });

  test('leaves a server that stalls or trickles, and takes it up again', async () => {
    faulty.faults.push({ kind: 'stall', after: 1_500_000 });
    expect(await isWhole(await bring({ stallSeconds: 1 }))).toBe(true);
    expect(faulty.requests).toHaveLength(2);
    // nginx sends 400 bytes a second; what is wanted is a kilobyte.
    await expect(bring({ stallSeconds: 2, tries: 1 }, `${nginx.address}/slow/a.bin`)).rejects.toThrow(
      /sent \d+ bytes in 2 s/,
    );
  });

  test('does not take its own slowness for the server’s', async () => {
    const source = httpAddress(`${nginx.address}/a.bin`);
    const isBusy = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
    let bytes = 0;
    for await (const piece of httpPieces(source, { begin: isBusy }, { stallSeconds: 0.1 })) {
      if (bytes === 0) await new Promise((resolve) => setTimeout(resolve, 250));
      bytes += piece.length;
    }
    expect(bytes).toBe(BYTES);
  });

  test('waits for a server that is busy, not for one that refuses', async () => {
    faulty.faults.push(
      { kind: 'status', status: 503 },
      { kind: 'status', status: 429, headers: { 'retry-after': '0' } },
    );
    expect(await isWhole(await bring())).toBe(true);
    expect(faulty.requests).toHaveLength(3);
    await expect(bring({}, `${faulty.address}/absent.bin`)).rejects.toThrow(
      /absent\.bin answered 404 Not Found/,
    );
    expect(faulty.requests).toHaveLength(4);
  });

  test('fetches again what is wrong, once', async () => {
    faulty.faults.push({ kind: 'wrong', at: 1_000_000 });
    expect(await isWhole(await bring({ bytes: BYTES, checksum }))).toBe(true);
    faulty.faults.push({ kind: 'wrong', at: 7 }, { kind: 'wrong', at: 8 });
    await expect(bring({ bytes: BYTES, checksum })).rejects.toThrow(
      new RegExp(`has the sha256 [0-9a-f]{64}, but the index says ${checksum.value}`),
    );
    expect(faulty.requests).toHaveLength(4);
  });

  test('does not mix two files: a server that ignores ranges or sends other parts', async () => {
    faulty.faults.push({ kind: 'break', after: 1_200_000 }, { kind: 'whole' });
    expect(await isWhole(await bring())).toBe(true);
    const range = { kind: 'headers', headers: { 'content-range': `bytes 0-9/${BYTES}` } } as const;
    faulty.faults.push({ kind: 'break', after: 1_200_000 }, range);
    expect(await isWhole(await bring())).toBe(true);
    expect(faulty.requests).toHaveLength(5);
  });

  test('begins anew when the file has changed meanwhile', async () => {
    const other = join(folder, 'changing.bin');
    await writeFile(other, Buffer.alloc(BYTES, 1));
    faulty.faults.push({ kind: 'break', after: 1_200_000 });
    const run = bring({ waitSeconds: 0.5 }, `${faulty.address}/changing.bin`);
    while (faulty.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await writeFile(other, Buffer.alloc(BYTES, 2));
    // Servers tell versions apart by their second.
    await utimes(other, 1, 1);
    expect((await readFile(await run)).equals(Buffer.alloc(BYTES, 2))).toBe(true);
  });

  test('takes no more than there is room for, and no other size than the index says', async () => {
    await expect(bring({ mostBytes: 1000 })).rejects.toThrow(`has ${BYTES} bytes; there is room for 1000`);
    await expect(bring({ bytes: 1000, checksum })).rejects.toThrow(`has ${BYTES} bytes; expected 1000`);
    faulty.faults.push({ kind: 'headers', headers: { 'content-encoding': 'gzip' } });
    await expect(bring()).rejects.toThrow("comes with the encoding 'gzip'");
  });

  test('with a checksum goes on with what an earlier one left', async () => {
    const path = join(folder, 'continued');
    await writeFile(`${path}.part`, content.subarray(0, 2_000_000));
    await download(`${faulty.address}/a.bin`, path, { bytes: BYTES, checksum, mostBytes: BYTES, ...FAST });
    expect(faulty.requests).toEqual(['/a.bin bytes=2000000-']);
    expect(await isWhole(path)).toBe(true);
    await writeFile(`${path}.part`, Buffer.alloc(2_000_000));
    await download(`${faulty.address}/a.bin`, path, { bytes: BYTES, checksum, mostBytes: BYTES, ...FAST });
    expect(await isWhole(path)).toBe(true);
    await writeFile(`${path}.part`, Buffer.alloc(2_000_000));
    await download(`${faulty.address}/a.bin`, path, { mostBytes: BYTES, ...FAST });
    expect(await isWhole(path)).toBe(true);
    expect(await partsLeft()).not.toContain('continued.part');
  });
});

describeServed('parts of a file', () => {
  test('are read, over failures too', async () => {
    const file = await httpFile(`${faulty.address}/a.bin`, FAST);
    expect(file.byteLength).toBe(BYTES);
    faulty.faults.push(
      { kind: 'break', after: 10 },
      { kind: 'status', status: 500 },
      { kind: 'short', after: 20 },
    );
    expect(Buffer.from(await file.slice(1000, 5000)).equals(content.subarray(1000, 5000))).toBe(true);
    expect(Buffer.from(await file.slice(-100)).equals(content.subarray(-100))).toBe(true);
    faulty.faults.push({ kind: 'whole' });
    await expect(file.slice(0, 10)).rejects.toThrow('its server must know range requests');
  });
});
