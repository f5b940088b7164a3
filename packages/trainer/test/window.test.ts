import { addToWindow, EMPTY_WINDOW, windowMeans } from '../src/window';

test('a mean is over the steps that had the metric', () => {
  const steps: Record<string, number>[] = [
    { loss: 1 },
    { loss: 2, accuracy: 0.5 },
    { loss: 6 },
    { loss: 3, accuracy: 0.7 },
  ];
  const window = steps.reduce(addToWindow, EMPTY_WINDOW);
  expect(windowMeans(window)).toEqual({ loss: 3, accuracy: 0.6 });
  expect(JSON.parse(JSON.stringify(window))).toEqual(window);
});

test('a metric that began and ended is kept until the line', () => {
  const steps: Record<string, number>[] = [{ a: 4 }, { b: 1 }, { b: 3 }];
  const window = steps.reduce(addToWindow, EMPTY_WINDOW);
  expect(windowMeans(window)).toEqual({ a: 4, b: 2 });
});
