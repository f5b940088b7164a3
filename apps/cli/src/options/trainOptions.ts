import { number, path, whole } from './optionReaders';
import { flag, option } from './optionTable';

/** Where a run goes. @param prefix of the folders of the app's runs */
export const outOptions = (prefix: string) => ({
  out: option(
    'DIR',
    `where the run is written; default: runs/${prefix}<recipe>, or a new number beside it`,
    path,
  ),
  resume: flag(
    `continue the run in --out, or the newest of the recipe, as it was begun: its own recipe.json says how.
What is said again must be the same; engine, device, threads and workers may change`,
  ),
});

/** How every training shares its work. */
export const JOB_OPTIONS = {
  'shard-optimizer': flag(
    `of several processes, and of several devices, each keeps the optimizer's state of a part of the
parameters: less memory`,
  ),
  workers: option('N', 'threads that decode and augment', whole(0), 1),
  'checkpoint-minutes': option(
    'N',
    `a checkpoint at least so often, beside those after each tenth of the steps; training waits for
it, about 4 s with ViT-B/16`,
    number(0.01),
    10,
  ),
};
