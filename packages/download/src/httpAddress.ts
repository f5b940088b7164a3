/** An address as a request wants it. */
export interface HttpAddress {
  /** Without credentials, so that messages may show it. */
  readonly url: string;
  /** What the credentials are sent in. */
  readonly authorization: Readonly<Record<string, string>>;
}

/** Takes `https://user:password@host` apart. */
export function httpAddress(address: string): HttpAddress {
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
