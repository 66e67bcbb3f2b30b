import { invalidField, maxHtmlDepth } from '@rapport/platform';
import sanitize from 'sanitize-html';

/**
 * The HTML that an agent wrote, with text and its form only: nothing in it runs, loads or is shown outside of it.
 *
 * @throws AppError INVALID_ARGUMENT TOO_DEEP
 */
export function replyHtml(html: string): string {
  let depth = 0;
  return sanitize(html, {
    allowedTags: [
      ...['a', 'b', 'blockquote', 'br', 'code', 'div', 'em', 'h1', 'h2', 'h3', 'hr', 'i', 'li', 'ol', 'p', 'pre', 's'],
      ...['span', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'u', 'ul'],
    ],
    allowedAttributes: { a: ['href'], ol: ['start'], td: ['colspan', 'rowspan'], th: ['colspan', 'rowspan'] },
    allowedSchemes: ['http', 'https', 'mailto', 'tel'],
    allowProtocolRelative: false,
    disallowedTagsMode: 'discard',
    nestingLimit: 100,
    onOpenTag: () => {
      depth += 1;
      if (depth > maxHtmlDepth) {
        throw invalidField('reply.html', 'TOO_DEEP', `must have at most ${maxHtmlDepth} elements within each other`);
      }
    },
    onCloseTag: () => {
      depth -= 1;
    },
  });
}
