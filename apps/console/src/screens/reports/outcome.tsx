import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { format, locale, t } from '../../app/language.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { Panel } from '../../kit/panel.tsx';
import { text, Ticks } from '../../kit/ui.tsx';
import { BarTable } from './bar-table.tsx';
import { durationText } from './report-rows.ts';
import style from './reports.module.css';

/** Won against lost, the sales cycle, and the reasons of the losses. */
export function Outcome({ report, condition }: { report: Json; condition: string }) {
  const lost = `${condition} AND status = LOST`;
  const { data } = useQuery(readQuery('aggregateDeals', { groupBy: 'lostReason', sum: 'amount', filter: lost }));
  const reasons = itemsAt(data, 'groups')
    .map((group) => ({ reason: textAt(itemsAt(group, 'values')[0], 'value'), count: Number(group.count), group }))
    .toSorted((one, other) => other.count - one.count);
  const [won, all] = [Number(report.wonCount), Number(report.wonCount) + Number(report.lostCount)];
  const rate = textAt(report, 'winRate');
  return (
    <Panel title={t('reports.outcome')} beside={t('home.deals', { count: all })}>
      <div className={style.outcome}>
        <p className={style.headline}>
          <span className={text.figure}>{rate === '' ? '–' : format.percent(Number(rate))}</span>
          <span>
            {t('reports.wonOf', { won, lost: all - won })}
            {report.salesCycleMedianSeconds !== undefined && (
              <>
                {' · '}
                {t('reports.cycle', {
                  median: durationText(Number(report.salesCycleMedianSeconds), locale),
                  p90: durationText(Number(report.salesCycleP90Seconds), locale),
                })}
              </>
            )}
          </span>
        </p>
        {all > 0 && <Ticks label="" count={60} value={won / all} height={10} />}
        {reasons.length === 0 ? (
          <p className={text.two}>{t('reports.noLosses')}</p>
        ) : (
          <BarTable
            className={style.reasons}
            heads={[t('reports.reason'), t('reports.lost'), t('home.full')]}
            rows={reasons.map(({ reason, count, group }) => ({
              key: reason,
              name: (
                <Link
                  to="/$resource"
                  params={{ resource: 'deals' }}
                  search={{ filter: `${lost} AND ${reasonIs(reason)}` } as never}
                  className={text.link}
                >
                  {reason === '' ? t('forecast.noOwner') : reason}
                </Link>
              ),
              bar: <div className={style.loss} style={{ width: `${(count / (reasons[0]?.count ?? 1)) * 100}%` }} />,
              cells: [format.number(count), <span className={text.two}>{sumsText(group)}</span>],
            }))}
          />
        )}
      </div>
    </Panel>
  );
}

function reasonIs(reason: string): string {
  return reason === '' ? 'NOT lostReason:*' : `lostReason = ${JSON.stringify(reason)}`;
}

/** The sums of a group, one for each currency. */
function sumsText(group: Json): string {
  return itemsAt(group, 'sums')
    .map((sum) => format.money({ currencyCode: textAt(sum, 'currencyCode'), amount: String(valueAt(sum, 'value')) }))
    .join(', ');
}
