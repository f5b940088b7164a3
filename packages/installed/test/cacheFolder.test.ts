import { cacheFolder } from '../src';

test('BEIT_CACHE, then the system’s own place', () => {
  const at = (platform: NodeJS.Platform, env: Record<string, string>) =>
    cacheFolder({ env, platform, arch: 'x64', home: '/home/me' });
  expect(at('linux', { BEIT_CACHE: '/big' })).toBe('/big');
  expect(at('linux', { XDG_CACHE_HOME: '/x' })).toBe('/x/beit');
  expect(at('linux', { XDG_CACHE_HOME: 'relative' })).toBe('/home/me/.cache/beit');
  expect(at('darwin', { XDG_CACHE_HOME: '/x' })).toBe('/home/me/Library/Caches/beit');
  expect(at('win32', { LOCALAPPDATA: '/local' })).toBe('/local/beit');
});
