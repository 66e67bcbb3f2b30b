import { createHash } from 'node:crypto';
import type { Context } from 'koa';

/** HTML in which all external values are escaped. */
export class Html {
  constructor(readonly text: string) {}
}

/** A page of the provider. */
export interface Page {
  title: string;
  body: Html;
  status?: number;
  /** Origins that forms of the page may redirect to, besides our own: browsers apply `form-action` to redirects too. */
  formTargets?: readonly string[];
}

type Part = string | Html | readonly Html[] | undefined;

/** Builds HTML from a template. Strings are escaped, lists joined, undefined values omitted. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const written = parts.map((part) => {
    if (part === undefined) return '';
    if (part instanceof Html) return part.text;
    if (typeof part === 'string') return escapeHtml(part);
    return part.map(({ text }) => text).join('');
  });
  return new Html(strings.reduce((text, string, index) => text + (written[index - 1] ?? '') + string));
}

/** Sends a page that is not cached, cannot be framed, runs no scripts, and whose URL is not sent as referrer. */
export function sendPage(context: Context, { title, body, status = 200, formTargets = [] }: Page): void {
  context.status = status;
  context.type = 'html';
  context.set({
    'cache-control': 'no-store',
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'sha256-${styleHash}'`,
      `form-action 'self'${formTargets.map((target) => ` ${target}`).join('')}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    // Never the path, which may contain a token. With `no-referrer`, browsers would send `Origin: null` with our own forms.
    'referrer-policy': 'strict-origin',
  });
  const ofTab = `${title} – Rapport`;
  context.body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${ofTab}</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `.text;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

// The contrast of text is at least 4.5:1, of field borders at least 3:1, in both colour schemes (WCAG 2.2, 1.4.3 and 1.4.11).
const style = `
:root { color-scheme: light dark; --text: #1a1a1a; --quiet: #555; --page: #f4f5f7; --card: #fff; --line: #767676;
  --action: #0b57d0; --on-action: #fff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --text: #ececec; --quiet: #b5b5b5; --page: #16181c; --card: #202328;
  --line: #8e8e8e; --action: #a8c7fa; --on-action: #062e6f; --bad: #f2b8b5; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
main { max-width: 26rem; margin: 6vh auto 0; padding: 1.5rem; background: var(--card); border-radius: .75rem; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { width: 100%; min-height: 2.75rem; margin-top: .25rem; padding: .5rem .75rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid var(--line); border-radius: .375rem; }
button { width: 100%; min-height: 2.75rem; margin-top: 1.25rem; padding: .5rem 1rem; font: inherit; font-weight: 600;
  color: var(--on-action); background: var(--action); border: 2px solid var(--action); border-radius: .375rem; cursor: pointer; }
button.quiet { margin-top: .75rem; color: var(--action); background: transparent; }
:focus-visible { outline: 3px solid var(--action); outline-offset: 2px; }
.problem { margin: .25rem 0 0; color: var(--bad); font-weight: 600; }
input[aria-invalid] { border: 2px solid var(--bad); }
a { color: var(--action); }
[role=alert] { margin: 1rem 0 0; padding: .75rem; border: 2px solid var(--bad); border-radius: .375rem; color: var(--bad); }
.note { margin: .25rem 0 0; color: var(--quiet); }
ul { padding-left: 1.25rem; }
`;

const styleHash = createHash('sha256').update(style).digest('base64');
