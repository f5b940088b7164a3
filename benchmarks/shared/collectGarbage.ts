import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** PyTorch counts references and frees at once what it began with; here somebody has to ask. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
