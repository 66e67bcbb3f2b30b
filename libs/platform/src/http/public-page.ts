import { createHash } from 'node:crypto';
import { html, Html } from './html.js';

/** A page for a person without an account. */
export interface PublicPage {
  /** As a BCP 47 tag. */
  language: string;
  title: string;
  /** What stands in the sheet. */
  body: Html;
  /** CSS besides that of all pages. */
  style?: string;
  /** JavaScript, at the end of the page. Most pages have none. */
  script?: string | undefined;
}

/** A written page. */
export interface WrittenPage {
  text: string;
  /** Of its style sheet, as a source of `style-src`: CSP level 3, section 2.3.1. */
  styleHash: string;
  /** Of its script, as a source of `script-src`. */
  scriptHash?: string | undefined;
}

/** Writes a page that has its whole style sheet in it, and its script. */
export function publicPage({ language, title, body, style = '', script }: PublicPage): WrittenPage {
  const sheet = baseStyle + style;
  const { text } = html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex, nofollow" />
        <title>${title}</title>
        ${new Html(`<style>${sheet}</style>`)}
      </head>
      <body>
        <main>${body}</main>
        ${script === undefined ? undefined : new Html(`<script>${script}</script>`)}
      </body>
    </html> `;
  return { text, styleHash: hashSource(sheet), ...(script !== undefined && { scriptHash: hashSource(script) }) };
}

function hashSource(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** What a page may do besides being read. */
export interface PageSources {
  /** Of the style sheet that the page contains; without one no style applies. */
  styleHash?: string | undefined;
  /** Of the script that the page contains; without one no script runs. */
  scriptHash?: string | undefined;
  /** An origin that the answer to its form redirects to: browsers apply `form-action` to redirects too. */
  formAction?: string | undefined;
}

/**
 * The headers of a public page, on every answer at its address: it loads nothing, is not framed, cached or indexed, and its address, which
 * contains a token, is sent nowhere.
 */
export function pageHeadersOf({ styleHash, scriptHash, formAction }: PageSources = {}): Readonly<
  Record<string, string>
> {
  const policy = [
    "default-src 'none'",
    ...(styleHash === undefined ? [] : [`style-src '${styleHash}'`]),
    ...(scriptHash === undefined ? [] : [`script-src '${scriptHash}'`]),
    `form-action 'self'${formAction === undefined ? '' : ` ${formAction}`}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'referrer-policy': 'no-referrer',
    'x-robots-tag': 'noindex, nofollow',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    vary: 'accept-language',
  };
}

/**
 * The look of the console in one sheet of paper: docs/console.md. Text has a contrast of at least 4.5:1, edges of controls 3:1, in both
 * colour schemes. Printed, it is black on white without the controls.
 */
const baseStyle = `
:root { color-scheme: light dark;
  --font: system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif;
  --paper: light-dark(oklch(0.968 0.006 108), oklch(0.168 0.007 130));
  --sheet: light-dark(oklch(0.995 0.002 108), oklch(0.2 0.008 130));
  --raised: light-dark(oklch(1 0 0), oklch(0.236 0.009 130));
  --hover: light-dark(oklch(0.955 0.007 108), oklch(0.252 0.01 130));
  --line: light-dark(oklch(0.912 0.008 108), oklch(0.285 0.01 130));
  --line-strong: light-dark(oklch(0.845 0.011 108), oklch(0.36 0.012 130));
  --line-control: light-dark(oklch(0.63 0.014 108), oklch(0.585 0.014 130));
  --text: light-dark(oklch(0.235 0.014 128), oklch(0.94 0.008 110));
  --text-2: light-dark(oklch(0.445 0.014 120), oklch(0.765 0.012 112));
  --accent: light-dark(oklch(0.44 0.098 131), oklch(0.86 0.16 121));
  --accent-fill: light-dark(oklch(0.36 0.078 133), oklch(0.86 0.16 121));
  --accent-fill-hover: light-dark(oklch(0.31 0.068 133), oklch(0.9 0.155 121));
  --on-accent: light-dark(oklch(0.985 0.025 118), oklch(0.2 0.035 128));
  --mark: light-dark(oklch(0.957 0.068 116), oklch(0.305 0.046 126));
  --mark-line: light-dark(oklch(0.79 0.155 121), oklch(0.66 0.14 123));
  --focus: light-dark(oklch(0.5 0.135 131), oklch(0.88 0.18 119));
  --danger: light-dark(oklch(0.49 0.175 27), oklch(0.77 0.125 24));
  --danger-wash: light-dark(oklch(0.962 0.016 25), oklch(0.275 0.05 25));
  --danger-line: light-dark(oklch(0.85 0.075 25), oklch(0.43 0.095 25)); }
* { box-sizing: border-box; }
body { margin: 0; padding: 3rem 1.25rem; background: var(--paper); color: var(--text); font: 400 .875rem/1.375rem var(--font);
  overflow-wrap: anywhere; -webkit-font-smoothing: antialiased; }
main { max-width: 48rem; margin: 0 auto; padding: 3rem; background: var(--sheet); border: 1px solid var(--line); border-radius: 8px; }
h1 { margin: 0; font: 600 1.375rem/2rem var(--font); letter-spacing: -.011em; text-wrap: balance; }
h2 { margin: 2rem 0 .5rem; font: 600 .875rem/1.25rem var(--font); }
p { margin: .5rem 0 0; }
.quiet { color: var(--text-2); }
a { color: var(--accent); text-decoration-color: var(--mark-line); text-underline-offset: 3px; }
label { display: grid; gap: .375rem; color: var(--text-2); }
input, textarea { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; font: inherit; color: var(--text); background: var(--raised);
  border: 1px solid var(--line-control); border-radius: 6px; }
button { min-height: 2.75rem; padding: .5rem 1.25rem; font: 600 .875rem/1.375rem var(--font); color: var(--on-accent);
  background: var(--accent-fill); border: 1px solid transparent; border-radius: 6px; cursor: pointer; }
button:hover { background: var(--accent-fill-hover); }
button.second { font-weight: 400; color: var(--text); background: var(--raised); border-color: var(--line-control); }
button.second:hover { background: var(--hover); }
:is(input, textarea, button, a, summary):focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
[role=alert] { margin: 0; padding: .625rem .75rem; color: var(--danger); background: var(--danger-wash); border: 1px solid var(--danger-line);
  border-radius: 6px; }
:lang(zh) :is(h1, h2) { letter-spacing: 0; }
@media (max-width: 45em) { body { padding: 0; background: var(--sheet); } main { padding: 1.5rem 1.25rem 3rem; border: 0; border-radius: 0; } }
@media (prefers-contrast: more) { :root { --line: var(--line-control); --line-strong: var(--text-2); --text-2: var(--text); } }
@media (forced-colors: active) { main, button, [role=alert] { border-color: CanvasText; } }
@media print { :root { color-scheme: light; } body { padding: 0; background: none; } main { max-width: none; padding: 0; border: 0; background: none; }
  form, .screen { display: none; } }
@page { margin: 18mm 16mm; }
`;
