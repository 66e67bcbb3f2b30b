import { useRef, useState } from 'react';
import { t } from '../../app/language.ts';
import { call, invalidate } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { TextField } from '../../kit/form/field.tsx';
import { notify } from '../../kit/notices.ts';
import { Button, text } from '../../kit/ui.tsx';
import { refreshTickets } from './ticket-acts.ts';

/** A part of a text, in UTF-16 code units. */
interface Span {
  start: number;
  end: number;
}

/** Makes parts of the text of an entry unreadable for good. */
export function RedactDialog({ entry, onClose }: { entry: Json; onClose: () => void }) {
  const words = textAt(entry, 'text');
  const [marks, setMarks] = useState<readonly Span[]>([]);
  const [reason, setReason] = useState('');
  const box = useRef<HTMLDivElement>(null);
  const selected = (): readonly Span[] => {
    const area = box.current?.querySelector('textarea');
    return area && area.selectionStart < area.selectionEnd ? [selectionIn(words, area)] : [];
  };
  const redact = async () => {
    const spans = marks.length === 0 ? selected() : marks;
    const body = { spans, ...(reason !== '' && { reason }) };
    await call('redactTicketEntry', { id: textAt(entry, 'id') }, { body, ifMatch: textAt(entry, 'etag') });
    await Promise.all([refreshTickets(), invalidate('messages')]);
    notify(t('ticket.redacted', { count: spans.length }));
  };
  return (
    <Ask
      title={t('ticket.redactTitle')}
      acts={[{ name: t('ticket.redact'), run: redact }]}
      onClose={onClose}
      names={['spans', 'reason']}
    >
      {(faults) => (
        <>
          <p>{t('ticket.redactHelp')}</p>
          <div ref={box}>
            <TextField
              label={t('ticket.redactText')}
              lines={8}
              isReadOnly
              value={marked(words, marks)}
              error={faults.get('/spans')}
              autoFocus
            />
          </div>
          <p className={text.row}>
            <Button onPress={() => setMarks([...marks, ...selected()])}>{t('ticket.mark')}</Button>
            <Button kind="bare" isDisabled={marks.length === 0} onPress={() => setMarks([])}>
              {t('ticket.unmark')}
            </Button>
          </p>
          <TextField
            label={t('ticket.redactReason')}
            value={reason}
            onChange={setReason}
            error={faults.get('/reason')}
          />
        </>
      )}
    </Ask>
  );
}

/** The selected part of a text, which is not empty. A text area has one character for the two of a line break that some mails have. */
function selectionIn(words: string, { selectionStart, selectionEnd }: HTMLTextAreaElement): Span {
  let at = 0;
  let start = 0;
  for (let shown = 0; shown < selectionEnd; shown += 1) {
    if (shown === selectionStart) start = at;
    at += words.startsWith('\r\n', at) ? 2 : 1;
  }
  return { start, end: at };
}

function marked(words: string, marks: readonly Span[]): string {
  return marks.reduce(
    (left, { start, end }) =>
      left.slice(0, start) + left.slice(start, end).replaceAll(/[^\r\n]/g, '█') + left.slice(end),
    words,
  );
}
