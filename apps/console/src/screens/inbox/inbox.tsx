import { keepPreviousData, useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { Pending, ProblemNote } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { scheduleInvalidate, useLiveChanges } from '../../app/live.ts';
import { useMay } from '../../app/resource.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, listQuery, readQuery } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { useNow } from '../../kit/media.ts';
import { Nothing } from '../../kit/nothing.tsx';
import { Button, IconButton, icons, join, Keys, text } from '../../kit/ui.tsx';
import { useGoOn } from '../../kit/use-go-on.ts';
import { useQueues } from '../ticket/ticket-acts.ts';
import { TicketPane } from '../ticket/ticket-pane.tsx';
import style from './inbox.module.css';
import { TicketRows } from './ticket-rows.tsx';
import { ViewList } from './view-list.tsx';
import { filterOf, orderOf, viewName, viewsOf, type InboxSearch } from './views.ts';

/** The work of customer service: queues and views, the tickets of one of them, and the open one. */
export function Inbox() {
  const search: InboxSearch = useSearch({ strict: false });
  const views = viewsOf(useNow());
  const queues = useQueues();
  const queue = queues.find(({ id }) => id === search.queue);
  const name = queue ? textAt(queue, 'name') : viewName(search.view ?? 'open');
  const list = useTickets(search, filterOf(search, views));
  const openId = search.ticket ?? list.first;
  const open = list.tickets.find(({ id }) => id === openId);
  const choose = useChoose(search);
  useStepKeys(list.tickets, openId, choose);
  return (
    <>
      <Bar
        title={<Title isOpen={search.ticket !== undefined} onBack={() => choose(undefined)} />}
        beside={<span className={text.two}>{name}</span>}
      >
        <span className={join(style.keys, text.meta)}>
          <Keys of={['J', 'K']}>{t('inbox.key.step')}</Keys>
          <Keys of={['R']}>{t('ticket.reply')}</Keys>
          <Keys of={['S']}>{t('ticket.solve')}</Keys>
        </span>
        {queue && <NextButton queue={queue} onNext={choose} />}
      </Bar>
      <div className={style.inbox} data-open={search.ticket !== undefined}>
        <ViewList views={views} search={search} />
        <section className={style.list} aria-label={name}>
          <ProblemNote error={list.error} />
          {list.isPending && <Pending />}
          {!list.isPending && !list.error && list.tickets.length === 0 && <Empty />}
          <TicketRows label={name} tickets={list.tickets} chosen={openId} onChoose={choose} onOpen={choose} />
          {list.more && (
            <p className={style.more}>
              <Button small onPress={list.more}>
                {t('timeline.more')}
              </Button>
            </p>
          )}
        </section>
        <OpenTicket id={openId} known={open} />
      </div>
    </>
  );
}

function useTickets(search: InboxSearch, filter: string) {
  const resource = theContract().resource('tickets');
  if (!resource) throw new Error('The contract has no tickets.');
  const query = useInfiniteQuery({
    ...listQuery(resource, { filter, orderBy: orderOf(search), pageSize: 50 }),
    placeholderData: keepPreviousData,
  });
  useLiveChanges(({ type }) => type === 'ticket_entry' && scheduleInvalidate('ticketEntries'));
  const tickets = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const [first, setFirst] = useState({ of: '', id: '' });
  const of = `${search.view} ${search.queue}`;
  if (tickets[0] && !query.isPlaceholderData && (first.of !== of || first.id === ''))
    setFirst({ of, id: textAt(tickets[0], 'id') });
  return {
    tickets,
    /** The one that was the first when the view was opened. It stays open when the list changes: what is typed is about it. */
    first: first.of === of ? first.id : '',
    isPending: query.isPending,
    error: query.error,
    more: query.hasNextPage ? () => void query.fetchNextPage() : undefined,
  };
}

/** Opens a ticket; undefined closes it, which shows the list again on a phone. */
function useChoose(search: InboxSearch): (id: string | undefined) => void {
  const navigate = useGoOn();
  return (id) => {
    const { ticket: _, ...rest } = search;
    void navigate({
      to: '/inbox',
      search: { ...rest, ...(id !== undefined && { ticket: id }) } as never,
      replace: true,
    });
  };
}

function useStepKeys(tickets: readonly Json[], chosen: string, choose: (id: string) => void): void {
  const index = tickets.findIndex(({ id }) => id === chosen);
  const last = useRef(0);
  useEffect(() => {
    if (index !== -1) last.current = index;
  }, [index]);
  const step = (by: number) => {
    // A ticket that has just left the list, such as a solved one, stands before what took its place.
    const from = index === -1 ? last.current - (by > 0 ? 1 : 0) : index;
    const next = tickets[from + by];
    if (!next) return;
    choose(textAt(next, 'id'));
    document.querySelector(`[data-key="${textAt(next, 'id')}"]`)?.scrollIntoView({ block: 'nearest' });
  };
  useShortcut('j', 'list.key.next', () => step(1));
  useShortcut('k', 'list.key.previous', () => step(-1));
}

/** The next ticket of a queue: no other agent gets it while it is leased. */
function NextButton({ queue, onNext }: { queue: Json; onNext: (id: string) => void }) {
  const may = useMay();
  const [reason, setReason] = useState('');
  const next = useMutation({
    mutationFn: async () => {
      const answer = await call('nextTicket', { id: textAt(queue, 'id') }, { body: {} });
      const id = textAt(answer, 'ticket.id');
      setReason(textAt(answer, 'reason'));
      await invalidate('tickets');
      if (id !== '') onNext(id);
    },
  });
  useShortcut('.', 'inbox.next', () => next.mutate(), may('nextTicket'));
  if (!may('nextTicket')) return null;
  return (
    <>
      {reason !== '' && (
        <span role="status" className={text.meta}>
          {labels.value('NoTicketReason', reason)}
        </span>
      )}
      <Button icon={icons.ListStart} shortcut="." isPending={next.isPending} onPress={() => next.mutate()}>
        {t('inbox.next')}
      </Button>
    </>
  );
}

/** On a phone, with what leads from the open ticket back to the list. */
function Title({ isOpen, onBack }: { isOpen: boolean; onBack: () => void }) {
  return (
    <span className={text.row}>
      {isOpen && (
        <span className={style.back}>
          <IconButton small name={t('inbox.back')} icon={icons.ChevronLeft} onPress={onBack} />
        </span>
      )}
      {t('nav.inbox')}
    </span>
  );
}

function OpenTicket({ id, known }: { id: string; known: Json | undefined }) {
  const { data = known, error } = useQuery(readQuery('getTicket', { id }, id !== ''));
  return (
    <section className={style.open} aria-label={labels.singular('ticket')}>
      <ProblemNote error={error} />
      {data && <TicketPane key={id} ticket={data} />}
    </section>
  );
}

function Empty() {
  return (
    <Nothing
      title={t('inbox.none')}
      help={t('inbox.noneHelp')}
      curl={`curl ${location.origin}/v1/tickets -H "Authorization: Bearer $KEY" -d '{"subject":"Stand 2 drifts","customerId":"…"}'`}
    />
  );
}
