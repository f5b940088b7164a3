/** The part of a writable stream that is used; `process.stderr` is one. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

const REDRAW_MILLISECONDS = 100;
const LINE_MILLISECONDS = 10_000;

/**
 * Shows how far a download is: on a terminal one line drawn again and again, elsewhere a line every ten seconds and a
 * last one.
 *
 * @param now milliseconds
 */
export function downloadProgress(
  stream: ProgressStream = process.stderr,
  now: () => number = () => performance.now(),
): (done: number, total: number | undefined) => void {
  const live = stream.isTTY === true;
  const start = now();
  let shown = start - (live ? REDRAW_MILLISECONDS : 0);
  return (done, total) => {
    const time = now();
    const last = done === total;
    if (time - shown < (live ? REDRAW_MILLISECONDS : LINE_MILLISECONDS) && !last) return;
    shown = time;
    const line = progressText(done, total, (time - start) / 1000);
    stream.write(live ? `\r\u001b[2K${line}${last ? '\n' : ''}` : `${line}\n`);
  };
}

/** `41.2 of 59.1 MB, 12.3 MB/s, 2 s left` */
export function progressText(done: number, total: number | undefined, seconds: number): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const rate = done / Math.max(seconds, 1e-3);
  const size = total === undefined ? megabytes(done) : `${megabytes(done)} of ${megabytes(total)}`;
  const left = total === undefined ? '' : `, ${Math.ceil((total - done) / rate)} s left`;
  return `${size} MB, ${megabytes(rate)} MB/s${left}`;
}
