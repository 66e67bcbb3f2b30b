import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { Pending, ProblemNote } from '../../app/boundaries.tsx';
import { format, labels, language, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { readQuery } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { valueAt } from '../../contract/json.ts';
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
const groups: readonly TimesBy[] = ['QUEUE', 'OWNER', 'PRIORITY', 'WEEK'];

/** How long customers waited, in working time: by metric, and by queue, assignee, priority or week. */
export function TicketTimes() {
  const navigate = useNavigate();
  const { range = '30', by = 'QUEUE' }: { range?: string; by?: string } = useSearch({ strict: false });
  const [now] = useState(() => Date.now());
  const since = new Date(now - Number(range) * 86_400_000).toISOString();
  const { data, error } = useQuery(readQuery('getTicketReport', { startTime: since, groupBy: by }));
  const count = Number(valueAt(data, 'total.ticketCount') ?? 0);
  const change = (part: object) => void navigate({ to: '.', search: { range, by, ...part } as never, replace: true });
  const metrics = theContract().enumValues('SlaMetric');
  return (
    <>
      <Bar
        title={t('times.title')}
        beside={data && <span className={style.hide}>{t('times.count', { count })}</span>}
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
        {data && count === 0 && <Nothing title={t('times.none')} help={t('times.noneHelp')} />}
        <div className={join(style.reports, style.stack)}>
          {data &&
            metrics.map(({ name }) => (
              <Times key={name} metric={name} by={by as TimesBy} rows={timesOf(data, name, by as TimesBy)} />
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
  if (rows.length === 0) return null;
  const nameOf = (key: string) => {
    if (key === '') return t(by === 'OWNER' ? 'ticket.nobody' : 'form.none');
    if (by === 'WEEK') return format.date(key);
    if (by === 'PRIORITY') return labels.value('TicketPriority', key);
    return (by === 'QUEUE' ? queues.get(key) : people.get(key)?.name) ?? key;
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
