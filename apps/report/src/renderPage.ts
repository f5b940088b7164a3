import { escapeHtml } from './html';
import { pageStyle } from './pageStyle';
import type { Section } from './reportData';
import { facts } from './sections';

export interface Page {
  readonly title: string;
  /** Label and value, below the title. */
  readonly facts: readonly (readonly [string, string])[];
  readonly sections: readonly Section[];
}

/** One HTML page that needs nothing else: no network, no script, no other file. */
export function renderPage(page: Page): string {
  const sections = page.sections.filter(({ body }) => body !== '');
  const links = sections.map(({ id, title }) => `<a href="#${escapeHtml(id)}">${escapeHtml(title)}</a>`);
  const bodies = sections.map(
    ({ id, title, body }) =>
      `<section id="${escapeHtml(id)}" aria-label="${escapeHtml(title)}">\n<h2>${escapeHtml(title)}</h2>\n${body}\n</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escapeHtml(page.title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${escapeHtml(page.title)}</h1>
${facts(page.facts)}
</header>
<nav aria-label="Sections">${links.join('\n')}</nav>
<main>
${bodies.join('\n')}
</main>
</body>
</html>
`;
}
