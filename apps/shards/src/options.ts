import { flag, locationOf, option, optionHelp, parseOptionTable, path, UsageError, whole } from '@beit/cli';

const OPTIONS = {
  out: option(
    'DIR|FILE',
    "where shards, the index, or pictures go. 'write' goes on with what is there",
    path,
  ),
  classes: flag(
    'the folder of an image is its class; without train and val, a fifth of each class is held out',
  ),
  'images-per-shard': option(
    'N',
    'default: 1000; shards of 100 MB to 1 GB are what servers and disks like',
    whole(1),
    1000,
  ),
  seed: option('N', 'of the order of the images, and of the fifth that is held out', whole(0), 0),
  quiet: flag('no progress'),
};

export const HELP = `Usage: pnpm --filter shards start -- COMMAND LOCATION [options]

Packs images into tar files (shards), as WebDataset has them: a million files in a thousand, which disks and servers
give fast. pretrain and classify read them with --data. docs/shards.md tells more.

  pnpm --filter shards start -- write photos --out shards             images for pretrain
  pnpm --filter shards start -- write imagenet --classes --out shards classes too: train/cat/1.jpg, val/cat/2.jpg
  pnpm --filter shards start -- verify shards                         read all of them, and compare with the index
  pnpm --filter shards start -- index 'https://host/train-{000..123}.tar' --out index.json
                                                                      for shards that have none
  pnpm --filter shards start -- cifar cifar-10-batches-py --out cifar10
                                                                      CIFAR's files (-py, -bin, cifar-100-...) as pictures:
                                                                      train/cat/00009.png, test/...

${optionHelp(OPTIONS, 24)}`;

const COMMANDS = ['write', 'index', 'verify', 'cifar'] as const;

export interface Options {
  readonly command: (typeof COMMANDS)[number];
  /** A folder, or where shards are; paths are absolute. */
  readonly location: string;
  readonly out?: string;
  readonly classes: boolean;
  readonly imagesPerShard: number;
  readonly seed: number;
  readonly quiet: boolean;
}

/** The command line, resolved. @throws UsageError that names the value and what was expected; `'help'` when asked for */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const parsed = parseOptionTable(OPTIONS, args, { allowPositionals: true });
  if (parsed === 'help') return 'help';
  const { values, positionals } = parsed;
  const [first, location, ...rest] = positionals;
  const command = COMMANDS.find((name) => name === first);
  if (!command) {
    throw new UsageError(
      `${first === undefined ? 'A command is missing' : `There is no command '${first}'`}. Commands: ${COMMANDS.join(', ')}; --help tells more.`,
    );
  }
  if (location === undefined) throw new UsageError(`'${command}' needs a folder, or where shards are.`);
  if (rest.length > 0) throw new UsageError(`'${rest[0]}' is too much after '${command} ${location}'.`);
  if (command !== 'verify' && values.out === undefined) {
    throw new UsageError(`'${command}' needs --out, ${command === 'index' ? 'a file' : 'a folder'}.`);
  }
  return {
    command,
    location: locationOf(location, 'The location'),
    out: values.out,
    classes: values.classes,
    imagesPerShard: values['images-per-shard'],
    seed: values.seed,
    quiet: values.quiet,
  };
}
