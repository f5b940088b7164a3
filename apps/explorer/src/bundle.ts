/** What comes with the page. */
export interface Bundle {
  readonly model: string;
  readonly tokenizer: string;
  readonly samples: readonly { readonly name: string; readonly file: string }[];
  /** Metrics of training. */
  readonly runs: readonly string[];
}

const FOLDER = './bundle/';

export const bundleUrl = (file: string): string => FOLDER + file;

export async function fetchBundle(): Promise<Bundle> {
  return (await fetched('bundle.json')).json() as Promise<Bundle>;
}

/** @throws when it is not there */
export async function fetched(file: string): Promise<Response> {
  const response = await fetch(bundleUrl(file));
  if (!response.ok)
    throw new Error(`${file} of this page cannot be loaded: the server says ${response.status}.`);
  return response;
}
