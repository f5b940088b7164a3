import { type ProgressUpdate, passProgress, terminalProgress } from '../src';
import { progressLine } from '../src/terminalProgress';

const update = (step: number, more: Partial<ProgressUpdate> = {}): ProgressUpdate => ({
  name: 'mim',
  step,
  totalSteps: 400,
  metrics: { loss: 5.4321, mimAccuracy: 0.10349, learningRate: 0.0012 },
  imagesPerSecond: 1834.4,
  secondsLeft: 3725,
  ...more,
});

const CONTROLS = ['\r', '\u001b', '━'];

/** A stream that remembers, and a clock that stands still until told. */
function terminal(isTTY: boolean, columns?: number) {
  const written: string[] = [];
  const clock = { time: 0 };
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  return { written, clock, stream, now: () => clock.time };
}

test('the line: bar, step, metrics, speed, time left', () => {
  expect(progressLine(update(100), { bar: true, colors: false })).toBe(
    'mim ━━━━━━────────────────── 100/400  loss 5.43  mimAccuracy 0.103  learningRate 0.0012  1834 img/s  1:02:05 left',
  );
  expect(
    progressLine(update(1, { metrics: { loss: Number.NaN }, secondsLeft: 65 }), {
      bar: false,
      colors: false,
    }),
  ).toBe('mim 1/400  loss NaN  1834 img/s  1:05 left');
});

test('a narrow terminal loses metrics, not the time left, and the line never wraps', () => {
  const line = progressLine(update(100), { bar: true, colors: false, columns: 80 });
  expect(line.length).toBeLessThan(80);
  expect(line).toMatch(/loss 5\.43 .*1:02:05 left$/);
  for (let columns = 1; columns < 120; columns++) {
    expect(progressLine(update(100), { bar: true, colors: false, columns }).length).toBeLessThan(columns);
  }
});

test('on a terminal one line is drawn again, at most ten times a second', () => {
  const { written, clock, stream, now } = terminal(true, 200);
  const progress = terminalProgress({ stream, now, env: {} });
  progress.update(update(1));
  progress.update(update(2)); // too soon
  clock.time = 150;
  progress.update(update(3));
  progress.message('saved');
  progress.update(update(400)); // the last is always shown
  progress.stop();
  expect(written).toHaveLength(6);
  expect(written[0]!.startsWith('\r\u001b[2K')).toBe(true);
  expect(written[0]).toContain('\u001b[32m');
  expect(written[1]).toContain(' 3/400');
  expect(written[3]).toMatch(/^saved\n.* 3\/400/);
  expect(written[4]).toContain(' 400/400');
  expect(written[5]).toBe('\n');
});

test('more steps than there are draw a whole bar', () => {
  const written: string[] = [];
  const stream = { isTTY: true, columns: 120, write: (text: string) => written.push(text) };
  const update = { name: 'mim', step: 30, totalSteps: 20, metrics: {}, imagesPerSecond: 1, secondsLeft: 0 };
  terminalProgress({ stream, env: {} }).update(update);
  expect(written.join('')).toContain('30/20');
});

test('a terminal of unknown width gets the whole line', () => {
  const { written, stream, now } = terminal(true, 0);
  terminalProgress({ stream, now, env: {} }).update(update(1));
  expect(written[0]).toMatch(/left$/);
});

test('elsewhere plain lines now and then', () => {
  const { written, clock, stream, now } = terminal(false);
  const progress = terminalProgress({ stream, now, env: {}, secondsBetweenLines: 10 });
  for (let step = 1; step <= 400; step++) {
    clock.time = step * 100;
    progress.update(update(step));
  }
  progress.stop();
  expect(written.map((line) => / (\d+)\/400/.exec(line)![1])).toEqual(['1', '101', '201', '301', '400']);
  expect(written.every((line) => line.endsWith('\n') && !CONTROLS.some((text) => line.includes(text)))).toBe(
    true,
  );
});

test('NO_COLOR, TERM=dumb and quiet', () => {
  const plain = terminal(true, 200);
  terminalProgress({ ...plain, env: { NO_COLOR: '1' } }).update(update(1));
  expect(plain.written[0]).not.toContain('\u001b[32m');
  const dumb = terminal(true, 200);
  terminalProgress({ ...dumb, env: { TERM: 'dumb' } }).update(update(1));
  expect(CONTROLS.some((text) => dumb.written[0]!.includes(text))).toBe(false);
  const quiet = terminal(true, 200);
  const progress = terminalProgress({ ...quiet, env: {}, quiet: true });
  progress.update(update(400));
  progress.message('a warning');
  progress.stop();
  expect(quiet.written).toEqual(['a warning\n']);
});

test('a pass: its speed and the time left, in a unit of its own', () => {
  const now = jest.spyOn(performance, 'now').mockReturnValue(1000);
  const updates: ProgressUpdate[] = [];
  const onProgress = passProgress('openvino', (update) => updates.push(update), 'MB');
  now.mockReturnValue(3000);
  onProgress(5.04, 20.16);
  onProgress(5.04, Number.POSITIVE_INFINITY);
  now.mockRestore();
  const lines = updates.map((update) => progressLine(update, { bar: false, colors: false }));
  expect(lines).toEqual(['openvino 5.04/20.2  2.52 MB/s  0:06 left', 'openvino 5.04/?  2.52 MB/s  ? left']);
});
