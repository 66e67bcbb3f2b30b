import { labels, t } from '../../app/language.ts';

/** What the address of the inbox says. */
export interface InboxSearch {
  /** One of the views, or `queue`. */
  view?: string;
  queue?: string;
  ticket?: string;
}

export interface InboxView {
  id: string;
  filter: string;
}

const working = 'category IN (NEW, OPEN)';

/** Tickets of the inbox that are due within this time are due soon, in milliseconds. */
const soonMs = 4 * 3_600_000;

/** What can be looked at besides queues. `now` decides what is due soon. */
export function viewsOf(now: Date): readonly InboxView[] {
  // To the minute, so that the same is asked for a minute long.
  const soon = `${new Date(now.getTime() + soonMs).toISOString().slice(0, 16)}:00Z`;
  return [
    { id: 'mine', filter: `ownerId = me AND ${working}` },
    { id: 'unassigned', filter: `NOT ownerId:* AND ${working}` },
    { id: 'due', filter: `nextDueTime <= "${soon}" AND category IN (NEW, OPEN, PENDING, ON_HOLD)` },
    { id: 'open', filter: working },
    { id: 'waiting', filter: 'category IN (PENDING, ON_HOLD)' },
    { id: 'solved', filter: 'category = SOLVED' },
  ];
}

/** The condition of what is looked at: of a queue, or of a view. */
export function filterOf({ view = 'open', queue }: InboxSearch, views: readonly InboxView[]): string {
  if (queue !== undefined) return `queueId = ${queue} AND ${working}`;
  return (views.find(({ id }) => id === view) ?? views[3])?.filter ?? working;
}

/** Tickets of a view by what is urgent: those of the past by when they were solved. */
export function orderOf({ view, queue }: InboxSearch): string {
  return view === 'solved' && queue === undefined ? 'solvedTime desc' : 'nextDueTime';
}

export function viewName(id: string): string {
  return id === 'solved' ? labels.value('TicketCategory', 'SOLVED') : t(`inbox.view.${id}`);
}
