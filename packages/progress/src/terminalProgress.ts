import type { ProgressReporter, ProgressUpdate } from './progress';

/** The part of a writable stream that is used; `process.stderr` is one. */
export interface TerminalStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface TerminalProgressOptions {
  /** Default `process.stderr`, so that data on stdout stay clean. */
  readonly stream?: TerminalStream;
  /** Show messages only. Default false. */
  readonly quiet?: boolean;
  /** Seconds between lines where there is no terminal. Default 15. */
  readonly secondsBetweenLines?: number;
  /** Default `process.env`; read: NO_COLOR (https://no-color.org), TERM. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

// Our own code: log-update wants Node 22 (`npm view log-update engines`); cli-progress has no messages above a bar and cuts
// the end of a long line, which is the time left. What either would do here is to write one string.
const REDRAW_MILLISECONDS = 100;
const BAR_CELLS = 24;
const CLEAR_LINE = '\r\u001b[2K';

/** On a terminal one line that is drawn again and again; elsewhere a line now and then, the first and the last among them. */
export function terminalProgress(options: TerminalProgressOptions = {}): ProgressReporter {
  const { stream = process.stderr, quiet = false, secondsBetweenLines = 15 } = options;
  const { env = process.env, now = () => performance.now() } = options;
  const live = stream.isTTY === true && env.TERM !== 'dumb';
  const colors = live && !env.NO_COLOR;
  const pause = live ? REDRAW_MILLISECONDS : secondsBetweenLines * 1000;
  let shown = Number.NEGATIVE_INFINITY;
  let drawn = '';

  const clear = () => {
    if (drawn !== '') stream.write(CLEAR_LINE);
  };
  return {
    update(update) {
      const last = update.step === update.totalSteps;
      if (quiet || (now() - shown < pause && !last)) return;
      shown = now();
      if (!live) {
        stream.write(`${progressLine(update, { bar: false, colors: false })}\n`);
        return;
      }
      // A terminal that does not know its width says 0.
      drawn = progressLine(update, { bar: true, colors, columns: stream.columns || undefined });
      stream.write(CLEAR_LINE + drawn);
    },
    message(text) {
      clear();
      stream.write(`${text}\n${drawn}`);
    },
    stop() {
      if (drawn !== '') stream.write('\n');
      drawn = '';
    },
  };
}

interface LineStyle {
  readonly bar: boolean;
  readonly colors: boolean;
  /** Cut to this width, so that the line is drawn over, not under, itself. */
  readonly columns?: number;
}

/** `mim ━━━━──── 120/400  loss 5.43  mimAccuracy 0.104  learningRate 0.0012  183 img/s  1:32 left` */
export function progressLine(update: ProgressUpdate, { bar, colors, columns }: LineStyle): string {
  const { name, step, totalSteps, metrics, imagesPerSecond, unit = 'img', secondsLeft } = update;
  const filled = Math.min(BAR_CELLS, Math.round((BAR_CELLS * step) / totalSteps));
  const head = bar ? `${name} ${'━'.repeat(filled)}${'─'.repeat(BAR_CELLS - filled)}` : name;
  const tail = [
    ` ${shortNumber(step)}/${totalSteps === Number.POSITIVE_INFINITY ? '?' : shortNumber(totalSteps)}`,
    ...Object.entries(metrics).map(([key, value]) => `${key} ${shortNumber(value)}`),
    `${shortNumber(imagesPerSecond)} ${unit}/s`,
    `${clock(secondsLeft)} left`,
  ];
  // Too long a line loses metrics from the end, never the time left.
  const width = () => head.length + tail.join('  ').length;
  while (columns !== undefined && width() >= columns && tail.length > 3) tail.splice(-3, 1);
  const line = `${head}${tail.join('  ')}`;
  if (columns !== undefined && line.length >= columns) return line.slice(0, Math.max(0, columns - 1));
  if (!colors || !bar) return line;
  const start = name.length + 1;
  return `${name} \u001b[32m${line.slice(start, start + filled)}\u001b[39m${line.slice(start + filled)}`;
}

/** Three significant digits; from 1000 on, whole numbers. */
function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
