import { parseOptions } from '../src/options';

test.each([
  [['predict', '--model', 'x'], /'predict' needs --out/],
  [['evaluate', '--model', 'x', '--whole', '--multi-scale'], /--multi-scale and --whole exclude each other/],
  [['--recipe', 'beit-base-setr-pup-160k'], /needs --data DIR, a folder in the layout of ADE20K/],
  [['--scratch', '--checkpoint', 'x'], /give one/],
  [['--steps', '0'], /--steps is '0'; expected a whole number/],
])('%j is refused', async (args, message) => {
  await expect(parseOptions(args)).rejects.toThrow(message);
});
