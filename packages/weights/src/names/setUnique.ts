/** Adds to a record without prototype; two sources that end under one name are an error, never a silent choice. */
export function setUnique<T>(record: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__') throw new Error('"__proto__" cannot be a tensor\'s name.');
  if (name in record) throw new Error(`Two tensors would both be named "${name}".`);
  record[name] = value;
}
