import { TrimmedKind, type TrimmedSpan } from '@rapport/contracts/rapport/content/v1/message';
import EmailReplyParser from 'email-reply-parser';

/** Longer texts are shown whole. */
const maxLength = 100_000;

/** Most spans: see `ParsedMessage`. */
const maxSpans = 1_000;

/**
 * Quotes and signatures of a text, in its order, without overlaps. The text itself stays whole: what is shown and the
 * spans together are the text. A text that would show nothing has none.
 */
export function trimmedSpans(text: string): TrimmedSpan[] {
  if (text.length > maxLength) return [];
  const spans: TrimmedSpan[] = [];
  let from = 0;
  for (const fragment of new EmailReplyParser().read(text).getFragments()) {
    const content = fragment.getContent().trim();
    if (content === '') continue;
    const start = text.indexOf(content, from);
    // The parser has changed this part, so its place is unknown.
    if (start < 0) continue;
    const end = start + content.length;
    from = end;
    if (!fragment.isHidden() || spans.length === maxSpans) continue;
    spans.push({ start, end, kind: fragment.isSignature() ? TrimmedKind.SIGNATURE : TrimmedKind.QUOTE });
  }
  return visibleText(text, spans).trim() === '' ? [] : spans;
}

/** What is left of a text without the spans. */
export function visibleText(text: string, spans: readonly TrimmedSpan[]): string {
  let visible = '';
  let from = 0;
  for (const { start, end } of spans) {
    visible += text.slice(from, start);
    from = end;
  }
  return visible + text.slice(from);
}
