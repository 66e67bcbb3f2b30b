import { useQuery } from '@tanstack/react-query';
import { zone } from '../../app/format.ts';
import { format, t } from '../../app/language.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt } from '../../contract/json.ts';
import { BarChart, useAsTable } from '../../kit/chart/chart-bars.tsx';
import { text } from '../../kit/ui.tsx';
import { Legend, Panel } from '../../kit/panel.tsx';
import { addDays, allOf, dayText, today, weekOf } from './home-data.ts';
import style from './home.module.css';

const weekCount = 12;

/** Customers created in each of the last twelve weeks, against the same weeks a year ago. */
export function CustomersPanel({ condition }: { condition: string }) {
  const [isTable, tableButton] = useAsTable();
  const { monday } = weekOf(today());
  const begin = addDays(monday, -7 * (weekCount - 1));
  const now = useCounts(begin, addDays(monday, 7), condition);
  const before = useCounts(addDays(begin, -364), addDays(monday, 7 - 364), condition);
  const bars = Array.from({ length: weekCount }, (_, index) => {
    const week = weekOf(addDays(begin, index * 7));
    const last = weekOf(addDays(week.monday, -364));
    return {
      label: String(week.number),
      name: `${t('home.week', { week: week.number })}, ${format.date(dayText(week.monday))}`,
      value: now?.get(week.key) ?? 0,
      before: before?.get(last.key) ?? 0,
    };
  });
  const sum = (of: 'value' | 'before') => bars.reduce((total, bar) => total + bar[of], 0);
  const gain = sum('value') - sum('before');
  const year = begin.getUTCFullYear() - 1;
  return (
    <Panel
      className={style.customers}
      title={t('home.newCustomers')}
      beside={t('home.byWeek')}
      end={
        <>
          <Legend color="--text-2" isLine>
            {year}
          </Legend>
          {tableButton}
        </>
      }
    >
      <div className={style.body}>
        <div className={style.headline}>
          <span className={text.figure}>{now ? format.number(sum('value')) : '–'}</span>
          <span>
            {now &&
              before &&
              t(gain < 0 ? 'home.fewer' : 'home.more', { weeks: weekCount, gain: Math.abs(gain), year: String(year) })}
          </span>
        </div>
        <BarChart
          title={t('home.newCustomers')}
          bars={bars}
          heads={[t('home.weekHead'), t('home.created'), t('home.yearBefore')]}
          isTable={isTable}
        />
      </div>
    </Panel>
  );
}

function useCounts(from: Date, to: Date, condition: string): ReadonlyMap<string, number> | undefined {
  const filter = allOf(`createTime >= "${from.toISOString()}"`, `createTime < "${to.toISOString()}"`, condition);
  const { data } = useQuery(readQuery('aggregateCustomers', { groupBy: 'createTime.week', timeZone: zone, filter }));
  if (!data) return undefined;
  return new Map(
    itemsAt(data, 'groups').map((group) => [
      textAt(itemsAt(group, 'values')[0], 'value'),
      Number(valueAt(group, 'count') ?? 0),
    ]),
  );
}
