import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../../../../tooling/servers/selfSigned';
import { bytes, serve } from '../../../../tooling/servers/serve';
import { startProxy } from '../../../../tooling/servers/startProxy';
import { formatShardIndex, openShards, readPixels, writeShards } from '../../src';
import { writeImages } from './writeImages';

test('shards come through a proxy, from a server whose authority the environment names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'beit-proxy-'));
  const names = ['a.png', 'b.png'];
  await writeImages(join(folder, 'images'), names);
  const [shard] = await writeShards({
    directory: folder,
    prefix: 'train',
    from: join(folder, 'images'),
    names,
  });
  const index = formatShardIndex({ shards: [shard!] }, () => 'train.tar');
  const certificate = selfSigned();
  const authority = join(folder, 'authority.pem');
  await writeFile(authority, certificate.cert);
  const routes = {
    '/index.json': bytes(Buffer.from(index)),
    '/train.tar': bytes(await readFile(shard!.location)),
  };
  const [server, proxy] = await Promise.all([serve(routes, certificate), startProxy()]);
  try {
    Object.assign(process.env, { https_proxy: proxy.url, no_proxy: '', SSL_CERT_FILE: authority });
    const cache = { directory: join(folder, 'cache'), maxBytes: 1e6 };
    const { train } = await openShards(`${server.url}/index.json`, { window: 1, cache });
    const here = await openShards(shard!.location);
    expect(await readPixels(train.source, 1)).toEqual(await readPixels(here.train.source, 1));
    expect(server.requests.map(({ url }) => url)).toEqual(['/index.json', '/train.tar']);
    expect(new Set(proxy.led)).toEqual(new Set([new URL(server.url).host]));
  } finally {
    await proxy.close();
    await server.close();
    await rm(folder, { recursive: true });
  }
});
