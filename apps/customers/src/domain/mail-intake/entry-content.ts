import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import { cutText } from '@rapport/platform';
import type { AddedEntry } from '../tickets/ticket-writes.js';

/** Most characters of the text of an entry, and of its HTML. The message has all. */
const maxEntryText = 100_000;
const maxEntryHtml = 500_000;

/** What the entry of a received message says. */
export function contentOfEntry(message: Message): Pick<AddedEntry, 'messageId' | 'subject' | 'text' | 'html'> {
  const { id, subject, visibleText, text = '', html = '' } = message;
  return {
    ...{ messageId: id, subject: subject === '' ? undefined : subject },
    text: cutText(visibleText ?? text, maxEntryText).toWellFormed(),
    html: html === '' || html.length > maxEntryHtml ? undefined : html,
  };
}
