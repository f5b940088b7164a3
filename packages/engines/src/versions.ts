import { compareVersions } from '@beit/installed';

/** Whether a release is the asked one, begins with it (`2026.4` takes `2026.4.1`), or is in a range (`>=12.5,<13`). */
export function versionFits(version: string, wanted: string): boolean {
  return wanted.split(',').every((part) => {
    const [, operator, bound] = /^\s*(<=|>=|==|!=|<|>|~=)?\s*([\d.]+)\s*$/.exec(part) ?? [];
    if (bound === undefined) {
      throw new Error(
        `'${wanted}' is no version; expected a release such as 2.21.0, its beginning, or a range.`,
      );
    }
    const difference = compareVersions(version, bound);
    if (operator === '<') return difference < 0;
    if (operator === '<=') return difference <= 0;
    if (operator === '>') return difference > 0;
    if (operator === '>=') return difference >= 0;
    if (operator === '!=') return difference !== 0;
    if (operator === '==') return difference === 0;
    // Compatible release, PEP 440: 2.2.1 and later that begin with 2.2.
    if (operator === '~=') return difference >= 0 && version.startsWith(bound.replace(/[^.]+$/, ''));
    return version === bound || version.startsWith(`${bound}.`);
  });
}

/** A project that a wheel needs, with the range of its versions. */
export interface Requirement {
  readonly project: string;
  /** As in the metadata: `>=12.5.82,<13.0`; `>=0` where it takes any. */
  readonly versions: string;
}

/** What a wheel's METADATA requires for one of its extras (`pip install project[extra]`). */
export function requirementsOfExtra(metadata: string, extra: string): Requirement[] {
  return metadata.split(/\r?\n/).flatMap((line) => {
    const [, project, versions, marker] =
      /^Requires-Dist: ([\w.-]+)\s*\(?([^;()]*?)\)?\s*;\s*(.*)$/.exec(line) ?? [];
    if (project === undefined || !new RegExp(`extra\\s*==\\s*['"]${extra}['"]`).test(marker!)) return [];
    return [{ project, versions: versions!.trim() || '>=0' }];
  });
}
