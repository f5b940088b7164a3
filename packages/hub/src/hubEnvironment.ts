import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where the Hub is, and who asks. */
export interface HubEnvironment {
  /** An address without a slash at its end. */
  readonly endpoint: string;
  /** The folder of the cache, whose layout Python's huggingface_hub shares. */
  readonly cache: string;
  readonly token?: string;
  /** Whether only the cache is asked. */
  readonly offline: boolean;
}

/**
 * What the environment says, by the variables of Python's huggingface_hub (its constants.py): `HF_ENDPOINT`, `HF_HOME`,
 * `HF_HUB_CACHE`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`; a token is also read of the file that `hf auth login` writes.
 */
export async function hubEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<HubEnvironment> {
  const given = (...names: readonly string[]) => names.map((name) => env[name]).find((value) => value);
  const home = given('HF_HOME') ?? join(given('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface');
  const tokenFile = given('HF_TOKEN_PATH') ?? join(home, 'token');
  const token =
    given('HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN') ?? (await readFile(tokenFile, 'utf8').catch(() => ''));
  const isOn = (value = '') => ['1', 'ON', 'YES', 'TRUE'].includes(value.toUpperCase());
  return {
    endpoint: (given('HF_ENDPOINT') ?? 'https://huggingface.co').replace(/\/+$/, ''),
    cache: given('HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub'),
    ...(token.trim() !== '' && { token: token.trim() }),
    offline: isOn(env.HF_HUB_OFFLINE) || isOn(env.TRANSFORMERS_OFFLINE),
  };
}
