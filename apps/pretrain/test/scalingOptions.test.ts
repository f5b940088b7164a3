import { parseOptions } from '../src/scaling/options';
import { bytesPerSecond, rateText, secondsOf, timeText } from '../src/scaling/units';

test('rates and times have units', () => {
  expect(bytesPerSecond('100Gb/s', 'bandwidth')).toBe(12.5e9);
  expect(bytesPerSecond('1.5 GB/s', 'bandwidth')).toBe(1.5e9);
  expect(bytesPerSecond('800Mbit/s', 'bandwidth')).toBe(1e8);
  expect(secondsOf('20us', 'latency')).toBeCloseTo(2e-5, 15);
  expect(secondsOf('0.2ms', 'latency')).toBeCloseTo(2e-4, 15);
  expect([rateText(12.5e9), timeText(2.5e-5), timeText(0.25), timeText(2.3456)]).toEqual([
    '100 Gb/s',
    '25 µs',
    '250 ms',
    '2.35 s',
  ]);
});

test('what is not said is measured here; devices that are known have one rank each', async () => {
  expect(await parseOptions([])).toMatchObject({ ranks: [1, 2, 4], check: false, launcher: 'mpirun' });
  const here = await parseOptions(['--ranks', '4,1', '--batch-size', '48', '--out', 'x', '--check']);
  expect(here).toMatchObject({
    ranks: [1, 4],
    recipe: { mim: { batchSize: 48, microBatchSize: 48 } },
    command: 'pnpm scaling --ranks 4,1 --batch-size 48 --check',
  });
  expect((here as { network?: unknown }).network).toBeUndefined();
  expect(
    await parseOptions(['--teraflops', '20', '--bandwidth', '25Gb/s', '--micro-batch-size', '8']),
  ).toMatchObject({
    ranksPerMachine: 1,
    network: { bandwidth: 25e9 / 8, latency: 50e-6 },
    rate: { kind: 'teraflops', value: 20 },
    recipe: { mim: { batchSize: 64, microBatchSize: 8 } },
  });
});

test.each([
  [['--bandwidth', '100'], /--bandwidth is '100'; expected a rate such as 100Gb\/s/],
  [['--bandwidth', '0Gb/s'], /--bandwidth is '0Gb\/s'/],
  [['--latency', '1ms'], /--latency is '1ms', but the network is measured; add --bandwidth/],
  [['--bandwidth', '1Gb/s', '--latency', '3'], /--latency is '3'; expected a time such as 50us/],
  [['--ranks', '1,two'], /--ranks is 'two'; expected a whole number of at least 1/],
  [['--images-per-second', '9'], /--images-per-second is for hardware that is not here; add the --bandwidth/],
  [
    ['--step-time', '1', '--teraflops', '2', '--bandwidth', '1Gb/s'],
    /--step-time and --teraflops say the same/,
  ],
  [['--step-time', '0', '--bandwidth', '1Gb/s'], /--step-time is '0'/],
  [['--copy-bandwidth', '1GB/s'], /copies are measured; it is for --images-per-second/],
  [['--check', '--bandwidth', '1Gb/s'], /--check trains on what is here/],
  [['--json', '--write'], /--json goes to standard output/],
  [['--recipe', 'huge'], /There is no recipe 'huge'. Recipes: emoji/],
  [['--frequency', '9'], /frequency/],
])('%j is refused', async (args, message) => {
  await expect(parseOptions(args)).rejects.toThrow(message);
});
