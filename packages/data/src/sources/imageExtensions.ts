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

/** Files in a folder of images that were passed over. */
export interface PassedOver {
  /** For the ending of their names: how many of each, `{ '.txt': 3 }`; without one: `''`. */
  readonly endings: Readonly<Record<string, number>>;
  /** Called like images, but pipes, sockets or devices: paths below the folder. Reading one might never end. */
  readonly special: readonly string[];
}

const MOST_SHOWN = 8;

/** Sentences for people; undefined where nothing was passed over. Pictures that cannot be read come first. */
export function describePassedOver(passedOver: PassedOver): string | undefined {
  const sentences = [...describeSpecial(passedOver.special), ...describeEndings(passedOver.endings)];
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

const filesWere = (count: number) => `${count} ${count === 1 ? 'file was' : 'files were'} passed over`;

function describeSpecial(special: PassedOver['special']): string[] {
  if (special.length === 0) return [];
  const shown = special.slice(0, MOST_SHOWN).map((name) => `'${name}'`);
  const more = special.length > MOST_SHOWN ? ` and ${special.length - MOST_SHOWN} others` : '';
  return [
    `${filesWere(special.length)} for being a pipe, a socket or a device and no regular file: ${shown.join(', ')}${more}.`,
  ];
}

function describeEndings(counts: PassedOver['endings']): string[] {
  const isForeign = (ending: string) => FOREIGN_EXTENSIONS.includes(ending);
  const endings = Object.keys(counts).sort(
    (a, b) => Number(isForeign(b)) - Number(isForeign(a)) || counts[b]! - counts[a]!,
  );
  if (endings.length === 0) return [];
  const files = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const shown = endings.slice(0, MOST_SHOWN).map((ending) => `${counts[ending]} ${ending || 'without one'}`);
  const more = endings.length > MOST_SHOWN ? ` and ${endings.length - MOST_SHOWN} other endings` : '';
  const foreign = endings.filter(isForeign);
  return [
    `${filesWere(files)} for the ending of the name: ${shown.join(', ')}${more}.`,
    ...(foreign.length > 0
      ? [`Pictures in ${foreign.join(' ')} are not read; convert them to PNG or JPEG.`]
      : []),
  ];
}

/** Of several folders. */
export function addPassedOver(all: Record<string, number>, more: PassedOver['endings']): void {
  for (const [ending, count] of Object.entries(more)) all[ending] = (all[ending] ?? 0) + count;
}
