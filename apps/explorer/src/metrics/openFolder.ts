/** A file and where it lies in what was opened. */
export interface OpenedFile {
  readonly path: string;
  readonly file: File;
}

/** The files of an `<input type="file">`, folders included. */
export const filesOfInput = (files: readonly File[]): OpenedFile[] =>
  files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
