/** A repository on the Hub, at a revision. */
export interface HubName {
  readonly kind: 'model' | 'dataset';
  /** `microsoft/beit-base-patch16-224` */
  readonly id: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** What a name on the Hub may be preceded by, where it could be a path too. */
export const HUB_PREFIX = 'hf:';

/** The Hub's own rule (huggingface_hub, utils/_validators.py), for names with an owner. */
const NAME = /^(?<id>[A-Za-z0-9_][\w.-]*\/[A-Za-z0-9_][\w.-]*)(?:@(?<revision>[A-Za-z0-9_][\w./-]*))?$/;

/**
 * `microsoft/beit-base-patch16-224`, `hf:owner/name`, `owner/name@revision` (default `main`).
 *
 * @returns undefined for what is no such name
 */
export function parseHubName(text: string, kind: HubName['kind']): HubName | undefined {
  const { id, revision = 'main' } =
    NAME.exec(text.startsWith(HUB_PREFIX) ? text.slice(HUB_PREFIX.length) : text)?.groups ?? {};
  if (id === undefined || /\.\.|--/.test(id) || revision.split('/').some((part) => /^\.*$/.test(part)))
    return undefined;
  return { kind, id, revision };
}

/** As it is typed. */
export const hubNameText = ({ id, revision }: HubName): string =>
  revision === 'main' ? id : `${id}@${revision}`;
