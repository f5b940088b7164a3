import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { messageOf } from '@beit/tensors';
import { EnvHttpProxyAgent, type RequestInit, type Response, fetch as undiciFetch } from 'undici';
import { here, type Surroundings } from './surroundings';

/** Fetches; answers are successful ones, everything else is an error that names the address. */
export type RegistryClient = (url: string, init?: RequestInit) => Promise<Response>;

/**
 * A client that trusts what the user's other tools trust (`cert`, SSL_CERT_FILE, REQUESTS_CA_BUNDLE,
 * NODE_EXTRA_CA_CERTS, beside Node's own certificates) and goes through HTTPS_PROXY and HTTP_PROXY (except for
 * NO_PROXY). Node 20's own fetch does neither, hence undici, the library that it is made of.
 */
export async function registryClient(
  { cert }: { readonly cert?: string } = {},
  { env }: Surroundings = here(),
): Promise<RegistryClient> {
  const files = [cert, env.SSL_CERT_FILE, env.REQUESTS_CA_BUNDLE, env.NODE_EXTRA_CA_CERTS];
  const own: string[] = [];
  for (const file of new Set(files.filter((name): name is string => Boolean(name)))) {
    own.push(
      await readFile(file, 'utf8').catch((cause) => {
        throw new Error(`Cannot read the certificates ${file}: ${messageOf(cause)}`, { cause });
      }),
    );
  }
  const tls = own.length > 0 ? { ca: [...rootCertificates, ...own] } : {};
  const dispatcher = new EnvHttpProxyAgent({
    connect: { ...tls, timeout: 30_000 },
    requestTls: tls,
    proxyTls: tls,
    bodyTimeout: 60_000,
    headersTimeout: 60_000,
  });

  return async (address, init = {}) => {
    const { url, authorization } = splitCredentials(address);
    const headers = { 'user-agent': 'beit-engine', ...authorization, ...init.headers };
    let response: Response;
    try {
      response = await undiciFetch(url, { ...init, headers, dispatcher });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      const cause = (error as { cause?: unknown }).cause ?? error;
      throw new Error(`Cannot fetch ${url}: ${messageOf(cause)}`, { cause });
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`${url} answered ${response.status} ${response.statusText}.`);
    }
    return response;
  };
}

/** `https://user:password@host` as pip takes it; fetch wants a header. The address for messages is without them. */
function splitCredentials(address: string): { url: string; authorization: Record<string, string> } {
  const url = new URL(address);
  const { username, password } = url;
  if (username === '' && password === '') return { url: url.href, authorization: {} };
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    url: url.href,
    authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
  };
}
