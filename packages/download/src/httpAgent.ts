import { readFile } from 'node:fs/promises';
import tls from 'node:tls';
import { messageOf } from '@beit/tensors';
import type { Dispatcher } from 'undici';

const CONNECT_MILLISECONDS = 30_000;

const agents = new Map<string, Promise<Dispatcher>>();

/**
 * What requests go through: HTTPS_PROXY and HTTP_PROXY, except for NO_PROXY; trusting, beside Node's own certificates,
 * what the user's other tools trust (SSL_CERT_FILE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS). Node 20's own fetch does
 * neither, hence undici, the library that it is made of. Connections are kept for the next request.
 *
 * @param certificates further files (PEM) to trust
 */
export function httpAgent(certificates: readonly string[] = []): Promise<Dispatcher> {
  const key = certificates.join('\n');
  let agent = agents.get(key);
  if (!agent) {
    agent = createAgent(certificates);
    agents.set(key, agent);
    agent.catch(() => agents.delete(key));
  }
  return agent;
}

async function createAgent(certificates: readonly string[]): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import('undici');
  const own = [
    ...(await Promise.all(certificates.map(readCertificates))),
    ...(await environmentCertificates()),
  ];
  const connect = {
    ...(own.length > 0 && { ca: [...defaultCertificates(), ...own] }),
    timeout: CONNECT_MILLISECONDS,
  };
  return new EnvHttpProxyAgent({ connect, requestTls: connect, proxyTls: connect });
}

const readCertificates = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause) => {
    throw new Error(`Cannot read the certificates ${file}: ${messageOf(cause)}`, { cause });
  });

/** As Node does for its own variable, one that leads nowhere is warned of and left out: it may not be needed. */
async function environmentCertificates(): Promise<string[]> {
  const { SSL_CERT_FILE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS } = process.env;
  const files = [SSL_CERT_FILE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS].filter((file) => file);
  const texts = await Promise.all(
    [...new Set(files as string[])].map((file) =>
      readCertificates(file).catch(({ message }: Error) => process.emitWarning(message)),
    ),
  );
  return texts.filter((text) => text !== undefined);
}

/** Those that Node would take if it were given none; newer ones can have others than they bring along. */
const defaultCertificates = (): readonly string[] =>
  (tls as { getCACertificates?: (type: 'default') => string[] }).getCACertificates?.('default') ??
  tls.rootCertificates;
