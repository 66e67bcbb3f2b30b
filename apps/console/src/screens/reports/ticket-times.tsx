import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { Pending, ProblemNote } from '../../app/boundaries.tsx';
import { format, labels, language, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { call } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Segments } from '../../kit/form/segments.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { Legend, Panel } from '../../kit/panel.tsx';
import { usePeople, useTitles } from '../../kit/record/names.tsx';
import { join } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { durationText } from './report-rows.ts';
import { timesOf, type TimesBy, type TimesRow } from './ticket-times-data.ts';
import style from './reports.module.css';

const ranges = ['7', '30', '90'] as const;
const groups: readonly TimesBy[] = ['queueId', 'ownerId', 'priority'];

/** Most timers that are read: the latest of the range. */
const mostTimers = 2_000;

/** How long customers waited, in working time: by metric, and by queue, assignee or priority. */
export function TicketTimes() {
  const navigate = useNavigate();
  const { range = '30', by = 'queueId' }: { range?: string; by?: string } = useSearch({ strict: false });
  const [now] = useState(() => Date.now());
  const since = new Date(now - Number(range) * 86_400_000).toISOString();
  const { data, error } = useQuery({ queryKey: ['slaTimers', 'times', since], queryFn: () => readTimes(since) });
  const change = (part: object) => void navigate({ to: '.', search: { range, by, ...part } as never, replace: true });
  const metrics = theContract().enumValues('SlaMetric');
  return (
    <>
      <Bar
        title={t('times.title')}
        beside={data && <span className={style.hide}>{t('times.count', { count: data.timers.length })}</span>}
      />
      <div className={style.tools}>
        <Segments
          label={t('reports.range')}
          value={range}
          onChange={(next) => change({ range: next })}
          options={ranges.map((id) => ({ id, name: t('sla.days', { count: Number(id) }) }))}
        />
        <Segments
          label={t('times.by')}
          value={by}
          onChange={(next) => change({ by: next })}
          options={groups.map((id) => ({ id, name: t(`times.by.${id}`) }))}
        />
      </div>
      <Scroll padded>
        <ProblemNote error={error} />
        {!data && !error && <Pending />}
        {data?.isCut && <p className={text.two}>{t('times.cut', { count: mostTimers })}</p>}
        {data?.timers.length === 0 && <Nothing title={t('times.none')} help={t('times.noneHelp')} />}
        <div className={join(style.reports, style.stack)}>
          {data &&
            metrics.map(({ name }) => (
              <Times
                key={name}
                metric={name}
                by={by as TimesBy}
                rows={timesOf(data.timers, data.tickets, name, by as TimesBy)}
              />
            ))}
        </div>
      </Scroll>
    </>
  );
}

/** Timers that ended since a moment by an answer or a solution, and their tickets. */
async function readTimes(since: string) {
  const timers: Json[] = [];
  let pageToken = '';
  do {
    const filter = `endTime >= "${since}" AND state IN (MET, BREACHED)`;
    const page = await call('listSlaTimers', { filter, orderBy: 'endTime desc', pageSize: 100, pageToken });
    timers.push(...itemsAt(page, 'slaTimers'));
    pageToken = textAt(page, 'nextPageToken');
  } while (pageToken !== '' && timers.length < mostTimers);
  const ids = [...new Set(timers.map((timer) => textAt(timer, 'ticketId')))];
  const chunks = Array.from({ length: Math.ceil(ids.length / 100) }, (_, at) => ids.slice(at * 100, at * 100 + 100));
  const pages = await Promise.all(
    chunks.map((chunk) => call('listTickets', { filter: `id IN (${chunk.join(', ')})`, pageSize: 100 })),
  );
  const tickets = pages.flatMap((page) => itemsAt(page, 'tickets'));
  return { timers, tickets: new Map(tickets.map((each) => [textAt(each, 'id'), each])), isCut: pageToken !== '' };
}

function Times({ metric, by, rows }: { metric: string; by: TimesBy; rows: readonly TimesRow[] }) {
  const people = usePeople();
  const queues = useTitles('queues', by === 'queueId' ? rows.map(({ key }) => key).filter((key) => key !== '') : []);
  const most = Math.max(...rows.map(({ p90 }) => p90), 1);
  if (rows.length === 0) return null;
  const nameOf = (key: string) => {
    if (key === '') return t(by === 'ownerId' ? 'ticket.nobody' : 'form.none');
    if (by === 'priority') return labels.value('TicketPriority', key);
    return (by === 'queueId' ? queues.get(key) : people.get(key)?.name) ?? key;
  };
  return (
    <Panel
      title={labels.value('SlaMetric', metric)}
      end={
        <>
          <Legend color="--chart-1">{t('reports.median')}</Legend>
          <Legend color="--chart-fill">{t('reports.p90')}</Legend>
        </>
      }
    >
      <table className={style.times}>
        <thead>
          <tr>
            <th scope="col">{t(`times.by.${by}`)}</th>
            <td />
            <th scope="col">{t('reports.median')}</th>
            <th scope="col">{t('reports.p90')}</th>
            <th scope="col">{t('times.kept')}</th>
            <th scope="col">{t('times.timers')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <th scope="row" className={text.cut} title={nameOf(row.key)}>
                {nameOf(row.key)}
              </th>
              <td aria-hidden>
                <div className={style.stay} style={{ width: `${(row.p90 / most) * 100}%` }}>
                  <div style={{ width: `${(row.median / Math.max(row.p90, 1)) * 100}%` }} />
                </div>
              </td>
              <td>{durationText(row.median, language)}</td>
              <td className={text.two}>{durationText(row.p90, language)}</td>
              <td className={row.kept < 0.9 ? style.late : undefined}>{format.percent(row.kept)}</td>
              <td className={text.two}>{format.number(row.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
