/** What is read: by sharp without further libraries, and by `decodeBmp.ts` and `decodeNetpbm.ts`. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.pjpeg',
  '.pjp',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
  '.bmp',
  '.dib',
  '.ppm',
  '.pgm',
  '.pbm',
  '.pnm',
];

/** Pictures too, which are not read: to be converted. */
const FOREIGN_EXTENSIONS: readonly string[] = [
  ...[
    '.heic',
    '.heif',
    '.hif',
    '.jp2',
    '.j2k',
    '.jpf',
    '.jpx',
    '.jxl',
    '.jxr',
    '.tga',
    '.ico',
    '.pcx',
    '.sgi',
  ],
  ...['.exr', '.hdr', '.psd', '.svg', '.dcm', '.dicom', '.nii', '.fits', '.npy', '.mha'],
  ...['.cr2', '.cr3', '.nef', '.arw', '.dng', '.orf', '.raf', '.rw2'],
];

/** Files that were passed over for the ending of their names: how many of each, `{ '.txt': 3 }`; without one: `''`. */
export type PassedOver = Readonly<Record<string, number>>;

/** A sentence for people; undefined where nothing was passed over. Pictures that cannot be read come first. */
export function describePassedOver(passedOver: PassedOver): string | undefined {
  const isForeign = (ending: string) => FOREIGN_EXTENSIONS.includes(ending);
  const endings = Object.keys(passedOver).sort(
    (a, b) => Number(isForeign(b)) - Number(isForeign(a)) || passedOver[b]! - passedOver[a]!,
  );
  if (endings.length === 0) return undefined;
  const files = Object.values(passedOver).reduce((sum, count) => sum + count, 0);
  const shown = endings.slice(0, 8).map((ending) => `${passedOver[ending]} ${ending || 'without one'}`);
  const more = endings.length > 8 ? ` and ${endings.length - 8} other endings` : '';
  const foreign = endings.filter(isForeign);
  return (
    `${files} ${files === 1 ? 'file was' : 'files were'} passed over for the ending of the name: ${shown.join(', ')}${more}.` +
    (foreign.length > 0 ? ` Pictures in ${foreign.join(' ')} are not read; convert them to PNG or JPEG.` : '')
  );
}

/** Of several folders. */
export function addPassedOver(all: Record<string, number>, more: PassedOver): void {
  for (const [ending, count] of Object.entries(more)) all[ending] = (all[ending] ?? 0) + count;
}
