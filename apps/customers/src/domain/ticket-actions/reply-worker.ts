// Runs in a worker thread: makes the HTML of one reply after the other safe.
import { parentPort } from 'node:worker_threads';
import { maxHtmlDepth } from '@rapport/platform';
import sanitize from 'sanitize-html';

/** Text and its form: nothing that runs, loads or is shown outside of a reply. */
const allowedTags =
  'a b blockquote br code div em h1 h2 h3 hr i li ol p pre s span strong table tbody td th thead tr u ul'.split(' ');

/** Without HTML for what is too deep. */
export interface ReplyDone {
  html?: string;
}

class TooDeep extends Error {}

parentPort?.on('message', (html: string) => parentPort?.postMessage(safeReply(html)));
parentPort?.postMessage('ready');

function safeReply(html: string): ReplyDone {
  let depth = 0;
  try {
    const safe = sanitize(html, {
      allowedTags,
      allowedAttributes: { a: ['href'], ol: ['start'], td: ['colspan', 'rowspan'], th: ['colspan', 'rowspan'] },
      allowedSchemes: ['http', 'https', 'mailto', 'tel'],
      allowProtocolRelative: false,
      disallowedTagsMode: 'discard',
      nestingLimit: 100,
      onOpenTag: () => {
        depth += 1;
        if (depth > maxHtmlDepth) throw new TooDeep();
      },
      onCloseTag: () => {
        depth -= 1;
      },
    });
    return { html: safe };
  } catch (error) {
    if (error instanceof TooDeep) return {};
    throw error;
  }
}
