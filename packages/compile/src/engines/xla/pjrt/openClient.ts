import { isMainThread } from 'node:worker_threads';
import { once } from '../../../once';
import { hasDeepStack, type Koffi } from '../../koffi';
import { type Client, createClient } from './client';
import { loadPjrt } from './library';
import type { NamedValues } from './namedValues';

interface OpenClient {
  readonly made: Promise<Client>;
  users: number;
}

/** One for a plugin and its options: a client may take most of a device's memory for itself. */
const open = new Map<string, OpenClient>();
/** XLA's threads must have ended before the process does, or it crashes. */
const alive = new Map<Client, Koffi>();
const destroyAtExit = once(() =>
  process.once('exit', (code) => {
    // A compiler cannot be stopped, and uses what the end of the process takes apart: so the process ends without that.
    const compiling = [...alive].find(([client]) => client.isCompiling());
    if (compiling && isMainThread) compiling[1].load(null).func('void _exit(int code)')(code);
    if (compiling) return;
    for (const client of alive.keys()) client.destroy();
  }),
);

/** A client that others may use as well. */
export interface SharedClient {
  readonly client: Client;
  /** To be called once, when all that was made of it is freed. */
  release(): void;
}

/** @throws what `loadPjrt` and `createClient` throw */
export async function openClient(koffi: Koffi, plugin: string, options: NamedValues): Promise<SharedClient> {
  if (!hasDeepStack(koffi)) {
    throw new Error(
      "The engine 'xla' can't be used in this process: another package has loaded a library with koffi first, and left calls " +
        'on threads too small a stack for a compiler. Have it set koffi.config({ async_stack_size: 8 << 20 }) before.',
    );
  }
  const key = JSON.stringify([plugin, options], (_, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  const known = open.get(key) ?? { made: createClient(loadPjrt(koffi, plugin), options), users: 0 };
  open.set(key, known);
  known.users += 1;
  const leave = (): boolean => {
    known.users -= 1;
    if (known.users > 0) return false;
    open.delete(key);
    return true;
  };
  const client = await known.made.catch((error: unknown) => {
    leave();
    throw error;
  });
  alive.set(client, koffi);
  destroyAtExit();
  return {
    client,
    release() {
      if (!leave()) return;
      alive.delete(client);
      client.destroy();
    },
  };
}
