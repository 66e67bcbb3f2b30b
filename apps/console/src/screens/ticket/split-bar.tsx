import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Split } from '../../gen/icons.ts';
import { t } from '../../app/language.ts';
import { call, invalidate } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { TextField } from '../../kit/form/field.tsx';
import { faultsOf, FormFault } from '../../kit/form/form-faults.tsx';
import { notify } from '../../kit/notices.ts';
import { Button } from '../../kit/ui.tsx';
import { useGoOn } from '../../kit/use-go-on.ts';
import style from './conversation.module.css';

interface SplitBarProps {
  ticket: Json;
  entryIds: readonly string[];
  onEnd: () => void;
}

/** Makes a ticket of its own of the chosen entries. */
export function SplitBar({ ticket, entryIds, onEnd }: SplitBarProps) {
  const [subject, setSubject] = useState('');
  const navigate = useGoOn();
  const split = useMutation({
    mutationFn: async () => {
      const answer = await call('splitTicket', { id: textAt(ticket, 'id') }, { body: { entryIds, subject } });
      await Promise.all([invalidate('tickets'), invalidate('ticketEntries')]);
      onEnd();
      const made = textAt(answer, 'created.id');
      notify(t('ticket.splitDone', { subject }));
      void navigate({ to: '/inbox', search: { ticket: made } as never });
    },
  });
  return (
    <form
      className={style.split}
      onSubmit={(event) => {
        event.preventDefault();
        if (entryIds.length > 0 && !split.isPending) split.mutate();
      }}
    >
      <p>{t('ticket.splitHelp', { count: entryIds.length })}</p>
      <TextField
        label={t('ticket.splitSubject')}
        value={subject}
        onChange={setSubject}
        error={faultsOf(split.error).get('/subject')}
        autoFocus
      />
      <FormFault error={split.error} names={['subject']} />
      <span className={style.acts}>
        <Button onPress={onEnd}>{t('form.cancel')}</Button>
        <Button
          kind="primary"
          type="submit"
          icon={Split}
          isDisabled={entryIds.length === 0}
          isPending={split.isPending}
        >
          {t('ticket.split')}
        </Button>
      </span>
    </form>
  );
}
