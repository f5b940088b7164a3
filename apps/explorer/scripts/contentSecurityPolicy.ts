import type { Plugin } from 'vite';

/**
 * All that the built page may do: nothing comes from elsewhere and nothing goes there, so that no file that it opens can make
 * it tell what it was shown. https://www.w3.org/TR/CSP3/
 */
const POLICY = {
  'default-src': "'none'",
  // WebAssembly is compiled; no text is made a program.
  'script-src': "'self' 'wasm-unsafe-eval'",
  'worker-src': "'self' blob:",
  'connect-src': "'self' blob: data:",
  'img-src': "'self' blob: data:",
  // Mantine writes its theme into the page, and sizes into its elements.
  'style-src': "'self' 'unsafe-inline'",
  'font-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
} as const;

/** Puts the policy first into the page that is built; Vite's server has programs of its own in the page. */
export const contentSecurityPolicy = (): Plugin => ({
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: {
        'http-equiv': 'Content-Security-Policy',
        content: Object.entries(POLICY)
          .map((directive) => directive.join(' '))
          .join('; '),
      },
      injectTo: 'head-prepend',
    },
  ],
});
