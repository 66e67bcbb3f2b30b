import { useState } from 'react';
import { t } from '../../app/language.ts';
import { call } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { ReferencePicker } from '../../kit/form/reference.tsx';
import { notify } from '../../kit/notices.ts';
import { refreshTickets } from './ticket-acts.ts';

/** Merges a ticket into another one. The notice, and later the ticket, takes it back. */
export function MergeDialog({ ticket, onClose }: { ticket: Json; onClose: () => void }) {
  const [into, setInto] = useState('');
  const id = textAt(ticket, 'id');
  const merge = async () => {
    await call('mergeTicket', { id }, { body: { intoId: into } });
    await refreshTickets();
    notify(t('ticket.mergeDone', { number: textAt(ticket, 'number') }), () =>
      call('undoTicketMerge', { id }).then(refreshTickets),
    );
  };
  return (
    <Ask
      title={t('ticket.mergeTitle', { number: textAt(ticket, 'number') })}
      acts={[{ name: t('ticket.merge'), run: merge }]}
      onClose={onClose}
      names={['intoId']}
    >
      {(faults) => (
        <>
          <p>{t('ticket.mergeHelp')}</p>
          <ReferencePicker
            label={t('ticket.mergeInto')}
            resource="tickets"
            value={into}
            onChange={setInto}
            error={faults.get('/intoId')}
            autoFocus
          />
        </>
      )}
    </Ask>
  );
}
