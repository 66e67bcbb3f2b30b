import type { Message, TrimmedSpan } from '@rapport/contracts/rapport/content/v1/message';
import type { TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type {
  RedactTicketEntryRequest,
  TicketTextSpan,
} from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import { beyondScope, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidArgument, invalidField, type FieldViolation } from '@rapport/platform';
import { clearAnswers } from '../../engine/changes/erasure/erase-answers.js';
import { eraseChanges } from '../../engine/changes/erasure/erasure-statements.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { changeMessages } from '../messages/stored-messages.js';
import { ticketEntries } from '../tickets/ticket-entries.js';

/** Most redactions of an entry. */
const maxRedactions = 500;

/**
 * Handles RedactTicketEntry. Removes what else the service stores of the text: that of its message, changes of both, and stored
 * responses. The raw bytes of the message remain.
 */
export async function redactTicketEntry(
  transaction: StatementTransaction,
  { id, etag, redaction }: RedactTicketEntryRequest,
): Promise<TicketEntry> {
  if (!redaction) throw invalidField('redaction', 'REQUIRED', 'is required');
  const { record, ...known } = await readForChange(transaction, ticketEntries, id);
  const before = await liveRecord(transaction, ticketEntries, id, record);
  const { spans, reason } = redaction;
  checkSpans(before, spans);
  const time = new Date().toISOString();
  const { principalId: redactedBy } = currentCaller();
  const redactions = [...before.redactions, ...spans.map((span) => ({ ...span, redactedBy, time, reason }))];
  const changes = { ...before, text: redacted(before.text, spans), html: undefined, redactions };
  const mask = ['text', 'html', 'redactions'];
  const entry = await changeRecord(transaction, ticketEntries, before, known, { changes, mask, etag });
  const messageIds = before.messageId === undefined ? [] : [before.messageId];
  // The message belongs to the entry, in whatever scope it is.
  transaction.later(beyondScope);
  await changeMessages(transaction, messageIds, (message) => redactedMessage(message, spans));
  const ids = [id, ...messageIds];
  // The last one blocks the sequencer until the transaction ends.
  transaction.later(clearAnswers(ids), eraseChanges(ids));
  return entry;
}

/** The texts of a message without the spans of its visible text, which is the text of its entry. */
function redactedMessage({ text, visibleText, trimmed }: Message, spans: readonly TicketTextSpan[]): Partial<Message> {
  const whole = spans.flatMap((span) => spansOfWhole(span, visibleText === undefined ? [] : trimmed));
  return {
    text: text === undefined ? undefined : redacted(text, whole),
    visibleText: visibleText === undefined ? undefined : redacted(visibleText, spans),
    html: undefined,
  };
}

/** The parts of a whole text that a span of its visible text consists of. @param trimmed in the order of the text */
function spansOfWhole({ start, end }: TicketTextSpan, trimmed: readonly TrimmedSpan[]): TicketTextSpan[] {
  const parts: TicketTextSpan[] = [];
  let [visible, from] = [0, 0];
  for (const gap of [...trimmed, { start: Infinity, end: Infinity }]) {
    const shift = from - visible;
    const [first, last] = [Math.max(start, visible) + shift, Math.min(end + shift, gap.start)];
    if (first < last) parts.push({ start: first, end: last });
    visible += gap.start - from;
    from = gap.end;
  }
  return parts;
}

/** A text with a `█` in place of each character of the spans, except line breaks. */
export function redacted(text: string, spans: readonly TicketTextSpan[]): string {
  return spans.reduce(
    (left, { start, end }) =>
      left.slice(0, start) + left.slice(start, end).replace(/[^\r\n]/gu, blocks) + left.slice(end),
    text,
  );
}

/** A character outside the first plane is two code units: the spans of other redactions stay where they are. */
function blocks(character: string): string {
  return '█'.repeat(character.length);
}

function checkSpans({ text, redactions }: TicketEntry, spans: readonly TicketTextSpan[]): void {
  const violations = spans.flatMap(({ start, end }, index): FieldViolation[] => {
    const field = `redaction.spans[${index}]`;
    if (end <= start) return [{ field, reason: 'END_BEFORE_START', description: 'must end after its start' }];
    if (end <= text.length) return [];
    return [{ field, reason: 'OUT_OF_RANGE', description: `must be within the text, which ends at ${text.length}` }];
  });
  if (redactions.length + spans.length > maxRedactions) {
    const description = `must not bring the redactions of the entry above ${maxRedactions}`;
    violations.push({ field: 'redaction.spans', reason: 'TOO_MANY_ITEMS', description });
  }
  if (violations.length > 0) throw invalidArgument(violations);
}
