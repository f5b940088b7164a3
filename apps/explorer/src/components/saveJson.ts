/** Offers numbers as a file. */
export function saveJson(name: string, value: unknown): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(value)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun when the click returns, but not everywhere read the address yet.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
