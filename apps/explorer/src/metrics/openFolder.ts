/** A file and where it lies in what was opened. */
export interface OpenedFile {
  readonly path: string;
  readonly file: File;
}

/** Of `<input type="file">`, folders included. */
export const filesOfInput = (files: readonly File[]): OpenedFile[] =>
  files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** Of a drop, folders and what is in them included. */
export async function filesOfDrop(transfer: DataTransfer): Promise<OpenedFile[]> {
  // The list is emptied when the event is over: entries are taken before anything is waited for.
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ path: file.name, file }));
  return (await Promise.all(entries.map(filesOfEntry))).flat();
}

async function filesOfEntry(entry: FileSystemEntry): Promise<OpenedFile[]> {
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: OpenedFile[] = [];
  // A reader gives a part at a time, and nothing when it is done.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return found;
    found.push(...(await Promise.all(part.map(filesOfEntry))).flat());
  }
}
