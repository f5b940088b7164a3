import { isAbsolute, join, resolve } from 'node:path';
import { here, type Surroundings } from './surroundings';

/**
 * The user's folder for what can be fetched again: `BEIT_CACHE`, or `beit` in XDG_CACHE_HOME (Linux),
 * `~/Library/Caches` (macOS), LOCALAPPDATA (Windows).
 */
export function cacheFolder({ env, platform, home }: Surroundings = here()): string {
  if (env.BEIT_CACHE) return resolve(env.BEIT_CACHE);
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'beit');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'beit');
  // The XDG specification says to ignore relative paths.
  const xdg = env.XDG_CACHE_HOME;
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.cache'), 'beit');
}
