import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Segments } from '../../kit/form/segments.tsx';
import { format, locale, t } from '../../app/language.ts';
import { isPermitted, useSession } from '../../app/session.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { useNow } from '../../kit/media.ts';
import { Icon, icons, Key, text, type IconType } from '../../kit/ui.tsx';
import { viewsOf } from '../inbox/views.ts';
import { openTasks } from '../work/tasks.ts';
import { Panel } from '../../kit/panel.tsx';
import { ChangesPanel } from './changes-panel.tsx';
import { ClosingPanel } from './closing-panel.tsx';
import { CustomersPanel } from './customers-panel.tsx';
import { addDays, allOf, daysBetween, dayText, momentOf, today, weekOf } from './home-data.ts';
import { PipelinePanel } from './pipeline-panel.tsx';
import style from './home.module.css';

/** The dashboard: what is open, what is new, what asks for a person. */
export function Home() {
  const session = useSession();
  const { view = 'all' }: { view?: string } = useSearch({ strict: false });
  const { data } = useQuery(readQuery('listCustomers', { pageSize: 1, readMask: 'id' }));
  const condition = view === 'mine' ? 'ownerId = me' : '';
  const can = (permission: string) => isPermitted(session, permission);
  const isEmpty = data !== undefined && itemsAt(data, 'customers').length === 0;
  return (
    <>
      <HomeBar view={view} />
      <Scroll padded>
        {isEmpty && <WhatNext />}
        <div className={style.home}>
          {can('deals.read') && <PipelinePanel condition={condition} />}
          {can('deals.read') && <ClosingPanel condition={condition} />}
          {can('customers.read') && <CustomersPanel condition={condition} />}
          {can('customers.read') && <WaitingPanel condition={condition} />}
          {can('audit.read') && <ChangesPanel />}
        </div>
      </Scroll>
    </>
  );
}

function HomeBar({ view }: { view: string }) {
  const navigate = useNavigate();
  const day = today();
  const form = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', weekday: 'short', day: 'numeric', month: 'long' });
  const newYear = new Date(Date.UTC(day.getUTCFullYear(), 0, 1));
  return (
    <Bar
      title={form.format(day)}
      beside={
        <span className={text.desk}>
          {t('home.weekAndDay', { week: weekOf(day).number, day: daysBetween(newYear, day) + 1 })}
        </span>
      }
    >
      <Segments
        label={t('home.whose')}
        value={view}
        onChange={(id) => void navigate({ to: '/', search: (id === 'mine' ? { view: id } : {}) as never })}
        options={[
          { id: 'mine', name: t('views.mine') },
          { id: 'all', name: t('home.everyone') },
        ]}
      />
    </Bar>
  );
}

/** For a workspace without customers: where to begin. */
function WhatNext() {
  return (
    <Panel className={style.next} title={t('home.next')} beside={t('home.nextHelp')}>
      <ul className={style['waiting-list']}>
        <Step to="/imports" icon={icons.Download} name={t('home.next.import')} keys="G I" />
        <Step to="/customers" icon={icons.Plus} name={t('home.next.create')} keys="G C" />
        <Step to="/connections" icon={icons.Link} name={t('home.next.connect')} keys="G N" />
        <Step to="/webhookDeliveries" icon={icons.Webhook} name={t('home.next.webhook')} keys="G W" />
      </ul>
      <code className={style.curl}>
        {`curl ${location.origin}/v1/customers -H "Authorization: Bearer $KEY" -d '{"displayName":"Ada Lovelace"}'`}
      </code>
    </Panel>
  );
}

function Step({ to, icon, name, keys }: { to: string; icon: IconType; name: string; keys: string }) {
  return (
    <li>
      <Link to={to} className={style.wait}>
        <Icon of={icon} />
        <span className={text.grow}>{name}</span>
        <Key>{keys}</Key>
      </Link>
    </li>
  );
}

/** What asks for a person: deals past their day, possible duplicates, conflicts of the exchange, deliveries that failed. */
function WaitingPanel({ condition }: { condition: string }) {
  const session = useSession();
  const overdue = allOf('status = OPEN', `closeDate < ${dayText(today())}`, condition);
  const deals = useQuery(readQuery('aggregateDeals', { filter: overdue }));
  const duplicates = useQuery(readQuery('listDuplicates', { pageSize: 100 }));
  const canConnect = isPermitted(session, 'connections.read');
  const conflicts = useQuery({ ...readQuery('listSyncConflicts', { pageSize: 1 }), enabled: canConnect });
  const canHook = isPermitted(session, 'webhooks.read');
  const failed = useQuery({
    ...readQuery('listWebhookDeliveries', { pageSize: 100, state: 'FAILED' }),
    enabled: canHook,
  });
  const conflictCount = (answer: Json) =>
    itemsAt(answer, 'counts').reduce((sum, each) => sum + Number(valueAt(each, 'count')), 0);
  return (
    <Panel className={style.waiting} title={t('home.waiting')}>
      <ul className={style['waiting-list']}>
        {isPermitted(session, 'tasks.read') && <OpenWork />}
        {isPermitted(session, 'tickets.read') && <DueTickets />}
        <Waiting
          to="/deals"
          search={{ filter: overdue }}
          icon={icons.CalendarClock}
          name={t('home.overdue')}
          count={countOf(deals.data)}
        />
        <Waiting
          to="/duplicates"
          icon={icons.Merge}
          name={t('home.duplicates')}
          count={duplicates.data && itemsAt(duplicates.data, 'pairs').length}
          isMore={textAt(duplicates.data, 'nextPageToken') !== ''}
        />
        {canConnect && (
          <Waiting
            to="/conflicts"
            icon={icons.TriangleAlert}
            name={t('home.conflicts')}
            count={conflicts.data && conflictCount(conflicts.data)}
          />
        )}
        {canHook && (
          <Waiting
            to="/webhookDeliveries"
            icon={icons.Webhook}
            name={t('home.failedDeliveries')}
            count={failed.data && itemsAt(failed.data, 'webhookDeliveries').length}
            isMore={textAt(failed.data, 'nextPageToken') !== ''}
          />
        )}
      </ul>
    </Panel>
  );
}

/** The person's own tasks that are late, and those that are due until the day ends. */
function OpenWork() {
  const mine = `ownerId = me AND ${openTasks}`;
  const now = `${useNow().toISOString().slice(0, 16)}:00Z`;
  const end = momentOf(addDays(today(), 1)).toISOString();
  const late = useQuery(readQuery('aggregateTasks', { filter: `${mine} AND deadline <= "${now}"` }));
  const due = useQuery(
    readQuery('aggregateTasks', { filter: `${mine} AND deadline > "${now}" AND deadline <= "${end}"` }),
  );
  return (
    <>
      <Waiting to="/my-day" icon={icons.AlarmClock} name={t('home.tasksOverdue')} count={countOf(late.data)} />
      <Waiting to="/my-day" icon={icons.ListChecks} name={t('home.tasksToday')} count={countOf(due.data)} />
    </>
  );
}

/** Tickets whose next promise ends soon, or has ended. */
function DueTickets() {
  const due = viewsOf(useNow()).find(({ id }) => id === 'due');
  const { data } = useQuery(readQuery('aggregateTickets', { filter: due?.filter }));
  return (
    <Waiting
      to="/inbox"
      search={{ view: 'due' }}
      icon={icons.Timer}
      name={t('home.ticketsDue')}
      count={countOf(data)}
    />
  );
}

function countOf(answer: Json | undefined): number | undefined {
  return answer && Number(valueAt(answer, 'total.count') ?? 0);
}

function Waiting({ to, search, icon, name, count, isMore = false }: WaitingProps) {
  return (
    <li>
      <Link to={to} search={search as never} className={style.wait}>
        <Icon of={icon} />
        <span className={text.grow}>{name}</span>
        <span className={count ? style.asks : text.faint}>
          {count === undefined ? '–' : format.number(count)}
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
  /** Undefined until it is known. */
  count: number | undefined;
  /** Whether there are more than were counted. */
  isMore?: boolean;
}
