/** A name for comparison: files have line breaks, and spaces at an end, where others have none. */
export const foldSpaces = (name: string): string => name.trim().replace(/\s+/g, ' ');
