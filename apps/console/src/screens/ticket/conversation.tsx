import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { listQuery, call, invalidate } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { byDay, Day } from '../../kit/record/timeline.tsx';
import { Button, icons } from '../../kit/ui.tsx';
import { TextField } from '../../kit/form/field.tsx';
import { faultsOf, FormFault } from '../../kit/form/form-faults.tsx';
import { notify } from '../../kit/notices.ts';
import { useGoOn } from '../../kit/use-go-on.ts';
import style from './conversation.module.css';
import { EntryView } from './entry.tsx';

/** What customer and agents wrote, the latest last, and the notes that only agents see. */
export function Conversation({ ticket, isSplitting, onSplit }: ConversationProps) {
  const id = textAt(ticket, 'id');
  const { data, hasNextPage, fetchNextPage } = useInfiniteQuery(entriesQuery(id));
  const entries = (data?.pages.flatMap(({ items }) => items) ?? []).toReversed();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (entry: string) =>
    setChosen((known) =>
      known.has(entry) ? new Set([...known].filter((each) => each !== entry)) : new Set(known).add(entry),
    );
  return (
    <>
      <div className={style.scroll} tabIndex={0} role="region" aria-label={t('ticket.conversation')}>
        <div className={style.all}>
          <SplitButton isShown={!isSplitting && entries.length > 1} onPress={() => onSplit(true)} />
          {hasNextPage && (
            <p className={style.earlier}>
              <Button small onPress={() => void fetchNextPage()}>
                {t('ticket.earlier')}
              </Button>
            </p>
          )}
          <ol className={style.entries}>
            {byDay(entries.map((entry) => ({ ...entry, time: entry.createTime }))).map(([day, ofDay]) => [
              <Day key={day} moment={textAt(ofDay[0], 'time')} />,
              ...ofDay.map((entry) => (
                <EntryView
                  key={textAt(entry, 'id')}
                  entry={entry}
                  ticketSubject={textAt(ticket, 'subject')}
                  {...(isSplitting && {
                    isChosen: chosen.has(textAt(entry, 'id')),
                    onChoose: () => toggle(textAt(entry, 'id')),
                  })}
                />
              )),
            ])}
          </ol>
        </div>
      </div>
      {isSplitting && <SplitBar ticket={ticket} entryIds={[...chosen]} onEnd={() => onSplit(false)} />}
    </>
  );
}

interface ConversationProps {
  ticket: Json;
  /** Whether entries are chosen for a ticket of their own. */
  isSplitting: boolean;
  onSplit: (isSplitting: boolean) => void;
}

function SplitButton({ isShown, onPress }: { isShown: boolean; onPress: () => void }) {
  const may = useMay();
  if (!isShown || !may('splitTicket')) return null;
  return (
    <span className={style.splitter}>
      <Button small kind="bare" icon={icons.Split} onPress={onPress}>
        {t('ticket.splitMenu')}
      </Button>
    </span>
  );
}

function entriesQuery(id: string) {
  const resource = theContract().resource('ticketEntries');
  if (!resource) throw new Error('The contract has no entries of tickets.');
  return listQuery(resource, { filter: `ticketId = "${id}"`, orderBy: 'createTime desc', pageSize: 50 });
}

interface SplitBarProps {
  ticket: Json;
  entryIds: readonly string[];
  onEnd: () => void;
}

/** Makes a ticket of its own of the chosen entries. */
function SplitBar({ ticket, entryIds, onEnd }: SplitBarProps) {
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
          icon={icons.Split}
          isDisabled={entryIds.length === 0}
          isPending={split.isPending}
        >
          {t('ticket.split')}
        </Button>
      </span>
    </form>
  );
}
