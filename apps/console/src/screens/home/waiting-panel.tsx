import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CalendarClock, Merge, TriangleAlert, Webhook } from 'lucide-react';
import { format, t } from '../../app/language.ts';
import { isPermitted, useSession } from '../../app/session.ts';
import { itemsAt, readQuery, textAt, valueAt } from '../../contract/api.ts';
import { Icon, type IconType } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { dayText, today } from './home-data.ts';
import { Panel } from './panel.tsx';
import style from './home.module.css';

/** What asks for a person: deals past their day, possible duplicates, conflicts of the exchange, deliveries that failed. */
export function WaitingPanel({ condition }: { condition: string }) {
  const session = useSession();
  const overdue = ['status = OPEN', `closeDate < ${dayText(today())}`, condition]
    .filter((each) => each !== '')
    .join(' AND ');
  const deals = useQuery(readQuery('aggregateDeals', { filter: overdue }));
  const duplicates = useQuery(readQuery('listDuplicates', { pageSize: 100 }));
  const canConnect = isPermitted(session, 'connections.read');
  const conflicts = useQuery({ ...readQuery('listSyncConflicts', { pageSize: 1 }), enabled: canConnect });
  const canHook = isPermitted(session, 'webhooks.read');
  const failed = useQuery({
    ...readQuery('listWebhookDeliveries', { pageSize: 100, state: 'FAILED' }),
    enabled: canHook,
  });
  const conflictCount = itemsAt(conflicts.data, 'counts').reduce(
    (sum, each) => sum + Number(valueAt(each, 'count')),
    0,
  );
  return (
    <Panel area="waiting" title={t('home.waiting')}>
      <ul className={style['waiting-list']}>
        <Waiting
          to="/deals"
          search={{ filter: overdue }}
          icon={CalendarClock}
          name={t('home.overdue')}
          count={Number(valueAt(deals.data, 'total.count') ?? 0)}
        />
        <Waiting
          to="/duplicates"
          icon={Merge}
          name={t('home.duplicates')}
          count={itemsAt(duplicates.data, 'pairs').length}
          isMore={textAt(duplicates.data, 'nextPageToken') !== ''}
        />
        {canConnect && (
          <Waiting to="/conflicts" icon={TriangleAlert} name={t('home.conflicts')} count={conflictCount} />
        )}
        {canHook && (
          <Waiting
            to="/webhooks"
            icon={Webhook}
            name={t('home.failedDeliveries')}
            count={itemsAt(failed.data, 'webhookDeliveries').length}
            isMore={textAt(failed.data, 'nextPageToken') !== ''}
          />
        )}
      </ul>
    </Panel>
  );
}

function Waiting({ to, search, icon, name, count, isMore = false }: WaitingProps) {
  return (
    <li>
      <Link to={to} search={search as never} className={style.wait}>
        <Icon of={icon} />
        <span className={text.grow}>{name}</span>
        <span className={count > 0 ? style.asks : text.faint}>
          {format.number(count)}
          {isMore && '+'}
        </span>
      </Link>
    </li>
  );
}

interface WaitingProps {
  to: string;
  search?: Record<string, string>;
  icon: IconType;
  name: string;
  count: number;
  /** Whether there are more than were counted. */
  isMore?: boolean;
}
