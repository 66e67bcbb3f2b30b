// Runs in a worker thread: renders the Markdown of one article after the other.
import { parentPort } from 'node:worker_threads';
import { Marked } from 'marked';

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escaped(text),
    heading({ tokens, depth }) {
      // The title of the page is its only heading of the first level.
      const level = Math.min(depth + 1, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      return isSafe(href) ? `<a href="${escaped(href)}" rel="noopener noreferrer nofollow">${text}</a>` : text;
    },
    // A page loads nothing.
    image: ({ href, text }) =>
      isSafe(href)
        ? `<a href="${escaped(href)}" rel="noopener noreferrer nofollow">${escaped(text)}</a>`
        : escaped(text),
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});

parentPort?.on('message', (markdown: string) => parentPort?.postMessage(marked.parse(markdown, { async: false })));
parentPort?.postMessage('ready');

/** An address of the web or of a mailbox, or one within the site. */
function isSafe(href: string): boolean {
  const start = href.trim().toLowerCase();
  return /^(?:https?:\/\/|mailto:)/.test(start) || /^[a-z0-9#][a-z0-9#/_.-]*$/.test(start);
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
