import { Link } from '@tanstack/react-router';
import { format, labels, t } from '../../app/language.ts';
import { textAt, valueAt, type Json } from '../../contract/json.ts';
import { Legend, Panel } from '../../kit/panel.tsx';
import { join, text } from '../../kit/ui.tsx';
import reports from '../reports/reports.module.css';
import { amountsIn, columns, converted, dealsFilter, spanOf, sumOf, type Scope, type View } from './forecast-data.ts';
import style from './forecast.module.css';

/** The whole period: what is closed, what may follow, and how far the quota is. */
export function Summary({ view }: { view: View }) {
  const { forecast, currency, period } = view;
  const total = valueAt(forecast, 'total') as Json;
  const amounts = amountsIn(total, currency);
  const [closed, quota] = [sumOf(amounts, 'closed'), sumOf(amounts, 'quota')];
  const money = format.moneyIn(textAt(amounts, 'currencyCode'), 2);
  const unconverted = Number(valueAt(forecast, 'conversion.unconvertedDealCount') ?? 0);
  return (
    <Panel title={periodName(period)} beside={t('home.deals', { count: sumOf(amounts ?? total, 'dealCount') })}>
      <div className={style.summary}>
        <p className={reports.headline}>
          <span className={text.figure}>{money(closed)}</span>
          <span>
            {quota > 0
              ? t('forecast.ofQuota', { share: format.percent(closed / quota), quota: money(quota) })
              : t('forecast.noQuota')}
          </span>
        </p>
        <QuotaBar amounts={amounts} most={Math.max(quota, sumOf(amounts, 'total'))} isTall />
        <dl className={style.figures}>
          {columns.map(({ field, category }) => (
            <div key={field}>
              <dt>
                <Legend color={`--certain-${field}`}>{labels.value('ForecastCategory', category)}</Legend>
              </dt>
              <dd>
                <Drill
                  {...{ view, money }}
                  scope={scopeOf(view)}
                  categories={[category]}
                  value={sumOf(amounts, field)}
                />
              </dd>
            </div>
          ))}
          <div>
            <dt>{t('home.weighted')}</dt>
            <dd>{money(Math.round(sumOf(amounts, 'weighted')))}</dd>
          </div>
          <div>
            <dt>{t('forecast.gap')}</dt>
            <dd>{quota > 0 ? <Gap value={quota - closed} money={money} /> : '–'}</dd>
          </div>
        </dl>
        {currency === converted && unconverted > 0 && (
          <p className={text.meta}>
            <Link
              to="/$resource"
              params={{ resource: 'deals' }}
              search={{ filter: `id IN (${idsOf(forecast).join(', ')})` } as never}
              className={text.link}
            >
              {t('forecast.unconverted', { count: unconverted })}
            </Link>
          </p>
        )}
      </div>
    </Panel>
  );
}

/** Deals without a rate for the conversion. */
function idsOf(forecast: Json): string[] {
  const ids = valueAt(forecast, 'conversion.unconvertedDealIds');
  return Array.isArray(ids) ? ids.map(String) : [];
}

/** What is missing to a quota; above it, how much it is exceeded. */
export function Gap({ value, money }: { value: number; money: (value: number) => string }) {
  if (value > 0) return <>{money(value)}</>;
  return <span className={style.good}>+{money(-value)}</span>;
}

interface QuotaBarProps {
  amounts: Json | undefined;
  most: number;
  isTall?: boolean;
}

/** The sums by certainty, the quota as a tall tick. @param most the end of the scale */
export function QuotaBar({ amounts, most, isTall = false }: QuotaBarProps) {
  const quota = sumOf(amounts, 'quota');
  const share = (value: number) => `${(value / Math.max(most, 1)) * 100}%`;
  return (
    <div className={join(style.bar, isTall && style.tall)} aria-hidden>
      {columns.map(({ field }) => (
        <div
          key={field}
          className={style.part}
          style={{ width: share(sumOf(amounts, field)), background: `var(--certain-${field})` }}
        />
      ))}
      {quota > 0 && <div className={style.quota} style={{ left: share(quota) }} />}
    </div>
  );
}

/** A number that leads to its deals. Those of the past are not listed: the list has the deals as they are now. */
export function Drill({ view, scope, categories, value, money }: DrillProps) {
  const shown = money(value);
  if (value === 0) return <span className={text.faint}>–</span>;
  if (view.asOf !== undefined) return <>{shown}</>;
  return (
    <Link
      to="/$resource"
      params={{ resource: 'deals' }}
      search={{ filter: dealsFilter(scope, categories) } as never}
      className={join(text.link, style.drill)}
    >
      {shown}
    </Link>
  );
}

interface DrillProps {
  view: View;
  scope: Scope;
  categories: readonly string[];
  value: number;
  money: (value: number) => string;
}

export function scopeOf({ forecast, currency, pipelineId }: View): Scope {
  return {
    ...{ startDate: textAt(forecast, 'startDate'), endDate: textAt(forecast, 'endDate') },
    ...{ currency, pipelineId, group: '' },
  };
}

/** Such as `Q4 2026`, `November 2026`, or `Fiscal year 2026`. */
export function periodName(period: string): string {
  const [year = '', part = ''] = period.split('-');
  if (spanOf(period) === 'month') return format.month(period);
  return t(part === '' ? 'forecast.yearName' : 'forecast.quarterName', { year, quarter: part.slice(1) });
}
