const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text made safe for an element's content and for a quoted attribute, in HTML and in SVG. */
export function escapeHtml(text: string): string {
  // Control characters are no valid SVG or HTML text, and file names may hold them.
  const printable = [...text].map((char) => (isControl(char) ? '\uFFFD' : char)).join('');
  return printable.replace(/[&<>"']/g, (char) => entities[char]!);
}

function isControl(char: string): boolean {
  const code = char.codePointAt(0)!;
  return (code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 127;
}
