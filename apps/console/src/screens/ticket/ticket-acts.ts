import { useMutation, useQuery } from '@tanstack/react-query';
import { labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { useSession } from '../../app/session.ts';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { patch } from '../../contract/in-turn.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { notify } from '../../kit/notices.ts';

export interface StatusChoice {
  id: string;
  name: string;
  category: string;
}

const categories = ['NEW', 'OPEN', 'PENDING', 'ON_HOLD', 'SOLVED', 'CLOSED'] as const;

/** The statuses of the workspace by category: those that each workspace has, and its own. */
export function useStatuses(): readonly StatusChoice[] {
  const may = useMay();
  const { data } = useQuery({
    ...readQuery('listTicketStatuses', { pageSize: 100 }, may('listTicketStatuses')),
    staleTime: 300_000,
  });
  const own = itemsAt(data, 'ticketStatuses').map((status) => ({
    id: textAt(status, 'key'),
    name: textAt(status, 'name'),
    category: textAt(status, 'category'),
  }));
  return categories.flatMap((category) => {
    const ofCategory = own.filter((status) => status.category === category);
    const id = category.toLowerCase();
    const isRenamed = ofCategory.some((status) => status.id === id);
    return isRenamed ? ofCategory : [{ id, name: labels.value('TicketCategory', category), category }, ...ofCategory];
  });
}

/** The queues of the workspace, as far as the session may read them. */
export function useQueues(): readonly Json[] {
  const may = useMay();
  const { data } = useQuery({
    ...readQuery('listQueues', { pageSize: 100, orderBy: 'name' }, may('listQueues')),
    staleTime: 60_000,
  });
  return itemsAt(data, 'queues');
}

/** Has tickets, their entries and their clocks asked again. */
export async function refreshTickets(): Promise<void> {
  await Promise.all(['tickets', 'ticketEntries', 'slaTimers'].map(invalidate));
}

/** What is done with a ticket by one key: at once, and back by the notice that says so. */
export function useTicketActs(ticket: Json) {
  const { user } = useSession();
  const id = textAt(ticket, 'id');
  const [status, owner] = [textAt(ticket, 'status'), textAt(ticket, 'ownerId')];
  const number = textAt(ticket, 'number');
  const run = useMutation({
    mutationFn: async ({ verb, body, said, undo }: Act) => {
      await call(verb, { id }, { ...(body && { body }) });
      await refreshTickets();
      notify(
        said,
        undo && (() => call(undo.verb, { id }, { ...(undo.body && { body: undo.body }) }).then(refreshTickets)),
      );
    },
  });
  const back: Undo = owner === '' ? { verb: 'releaseTicket' } : { verb: 'assignTicket', body: { userId: owner } };
  const toStatus: Undo = { verb: 'setTicketStatus', body: { status } };
  const act = (verb: string, said: string, undo?: Undo) => () =>
    run.mutate({ verb, said: t(`ticket.${said}`, { number }), undo });
  return {
    error: run.error,
    isMine: owner === user.id,
    take: act('takeTicket', 'taken', back),
    release: act('releaseTicket', 'released', back),
    solve: act('solveTicket', 'solved', toStatus),
    reopen: act('reopenTicket', 'reopened'),
    spam: act('markTicketSpam', 'isSpam', toStatus),
    assign: (userId: string, name: string) =>
      run.mutate({ verb: 'assignTicket', body: { userId }, said: t('ticket.assigned', { number, name }), undo: back }),
    setStatus: ({ id: next, name }: StatusChoice) => {
      const said = t('ticket.nowStatus', { number, status: name });
      run.mutate({ verb: 'setTicketStatus', body: { status: next }, said, undo: toStatus });
    },
  };
}

interface Undo {
  verb: string;
  body?: Json;
}

interface Act extends Undo {
  said: string;
  undo?: Undo | undefined;
}

/** Changes a field of a ticket, unless someone else has changed it since. */
export async function setField(ticket: Json, field: string, value: unknown): Promise<void> {
  await patch('tickets', ticket, { [field]: value });
  await refreshTickets();
}
