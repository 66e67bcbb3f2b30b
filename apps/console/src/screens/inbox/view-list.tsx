import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { format, labels, t } from '../../app/language.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { join, text } from '../../kit/ui.tsx';
import { useQueues } from '../ticket/ticket-acts.ts';
import style from './inbox.module.css';
import { viewName, type InboxSearch, type InboxView } from './views.ts';

/** Views and queues, each with how many tickets are in it. */
export function ViewList({ views, search }: { views: readonly InboxView[]; search: InboxSearch }) {
  const queues = useQueues();
  const counts = useQueries({
    queries: views.map(({ filter }) => readQuery('aggregateTickets', { filter })),
    combine: (answers) => answers.map(({ data }) => Number(valueAt(data, 'total.count') ?? 0)),
  });
  const { data: byQueue } = useQuery(
    readQuery('aggregateTickets', { groupBy: 'queueId', filter: 'category IN (NEW, OPEN)' }),
  );
  const countOf = (queue: Json) => {
    const group = itemsAt(byQueue, 'groups').find((each) => textAt(itemsAt(each, 'values')[0], 'value') === queue.id);
    return Number(textAt(group, 'count') || 0);
  };
  const current = search.queue === undefined ? (search.view ?? 'open') : '';
  return (
    <nav className={style.views} aria-label={t('inbox.views')}>
      <ul>
        {views.map(({ id }, index) => (
          <li key={id}>
            <ViewLink
              name={viewName(id)}
              count={id === 'solved' ? undefined : counts[index]}
              search={{ view: id }}
              isCurrent={current === id}
              asks={id === 'due' && (counts[index] ?? 0) > 0}
            />
          </li>
        ))}
      </ul>
      {queues.length > 0 && <h2>{labels.resource('queues')}</h2>}
      <ul>
        {queues.map((queue) => (
          <li key={textAt(queue, 'id')}>
            <ViewLink
              name={textAt(queue, 'name')}
              count={countOf(queue)}
              search={{ queue: textAt(queue, 'id') }}
              isCurrent={search.queue === queue.id}
            />
          </li>
        ))}
      </ul>
    </nav>
  );
}

interface ViewLinkProps {
  name: string;
  count: number | undefined;
  search: InboxSearch;
  isCurrent: boolean;
  /** Whether its count is bright. */
  asks?: boolean;
}

function ViewLink({ name, count, search, isCurrent, asks = false }: ViewLinkProps) {
  return (
    <Link
      to="/inbox"
      search={search as never}
      className={style.view}
      data-current={isCurrent}
      aria-current={isCurrent ? 'page' : undefined}
      title={name}
    >
      <span className={join(text.cut, text.grow)}>{name}</span>
      {count !== undefined && count > 0 && (
        <span className={join(style.count, asks && style.asks)}>{format.number(count)}</span>
      )}
    </Link>
  );
}
