import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useAddress } from '../../app/resource.ts';
import { Pending, ProblemNote } from '../../app/boundaries.tsx';
import { format, labels, locale, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { readQuery } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { valueAt } from '../../contract/json.ts';
import { Segments } from '../../kit/form/segments.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { Panel } from '../../kit/panel.tsx';
import { usePeople, useTitles } from '../../kit/record/names.tsx';
import { join, text } from '../../kit/ui.tsx';
import { BarTable, MedianLegend, PartBar } from './bar-table.tsx';
import { durationText } from './report-rows.ts';
import { timesOf, type TimesBy, type TimesRow } from './ticket-times-data.ts';
import style from './reports.module.css';

const ranges = ['7', '30', '90'] as const;
const groups: readonly TimesBy[] = ['QUEUE', 'OWNER', 'PRIORITY', 'WEEK'];

/** How long customers waited, in working time: by metric, and by queue, assignee, priority or week. */
export function TicketTimes() {
  const [{ range = '30', by = 'QUEUE' }, change] = useAddress<{ range?: string; by?: TimesBy }>();
  const [now] = useState(() => Date.now());
  const since = new Date(now - Number(range) * 86_400_000).toISOString();
  const { data, error } = useQuery(readQuery('getTicketReport', { startTime: since, groupBy: by }));
  const count = Number(valueAt(data, 'total.ticketCount') ?? 0);
  const metrics = theContract()
    .enumValues('SlaMetric')
    .map(({ name }) => ({ name, rows: data ? timesOf(data, name, by) : [] }))
    .filter(({ rows }) => rows.length > 0);
  return (
    <>
      <Bar title={t('times.title')} beside={data && <span className={text.desk}>{t('times.count', { count })}</span>} />
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
        {data && metrics.length === 0 && <Nothing title={t('times.none')} help={t('times.noneHelp')} />}
        <div className={join(style.reports, style.stack)}>
          {metrics.map(({ name, rows }) => (
            <Times key={name} metric={name} by={by} rows={rows} />
          ))}
        </div>
      </Scroll>
    </>
  );
}

function Times({ metric, by, rows }: { metric: string; by: TimesBy; rows: readonly TimesRow[] }) {
  const people = usePeople();
  const queues = useTitles('queues', by === 'QUEUE' ? rows.map(({ key }) => key).filter((key) => key !== '') : []);
  const most = Math.max(...rows.map(({ p90 }) => p90), 1);
  const nameOf = (key: string) => {
    if (key === '') return t(by === 'OWNER' ? 'ticket.nobody' : 'form.none');
    if (by === 'WEEK') return format.date(key);
    if (by === 'PRIORITY') return labels.value('TicketPriority', key);
    return (by === 'QUEUE' ? queues.get(key) : people.get(key)?.name) ?? key;
  };
  return (
    <Panel title={labels.value('SlaMetric', metric)} end={<MedianLegend />}>
      <BarTable
        heads={[t(`times.by.${by}`), t('reports.median'), t('reports.p90'), t('times.kept'), t('times.timers')]}
        rows={rows.map((row) => ({
          key: row.key,
          name: nameOf(row.key),
          title: nameOf(row.key),
          bar: <PartBar share={row.p90 / most} part={row.median / Math.max(row.p90, 1)} />,
          cells: [
            durationText(row.median, locale),
            <span className={text.two}>{durationText(row.p90, locale)}</span>,
            <span className={join(row.kept < 0.9 && style.late)}>{format.percent(row.kept)}</span>,
            <span className={text.two}>{format.number(row.count)}</span>,
          ],
        }))}
      />
    </Panel>
  );
}
