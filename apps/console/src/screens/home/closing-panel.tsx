import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { titleOf } from '../../hints/hints.ts';
import { useRecord } from '../../kit/record/names.tsx';
import { format, t } from '../../app/language.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { join, text } from '../../kit/ui.tsx';
import { isMoney } from '../../kit/record/value.tsx';
import { Panel } from '../../kit/panel.tsx';
import { addDays, allOf, daysBetween, dayText, today } from './home-data.ts';
import style from './home.module.css';

const dayHeight = 9;
const itemHeight = 44;
const longestGap = 190;

/** Open deals by their expected day, on a ruler of days that begins with this one. */
export function ClosingPanel({ condition }: { condition: string }) {
  const from = today();
  const filter = allOf('status = OPEN', `closeDate >= ${dayText(from)}`, condition);
  const { data } = useQuery(readQuery('listDeals', { filter, orderBy: 'closeDate', pageSize: 9 }));
  const deals = itemsAt(data, 'deals');
  const placed = placeOn(deals, from);
  const height = (placed.at(-1)?.top ?? 0) + itemHeight;
  return (
    <Panel
      className={style.closing}
      title={t('home.closing')}
      beside={data && t('home.nextWeeks', { count: deals.length })}
    >
      {data && deals.length === 0 && <p className={style.nothing}>{t('home.closing.none')}</p>}
      <div className={style.ruler} style={{ height: `${height}px` }}>
        <Ruler from={from} placed={placed} height={height} />
        <ul>
          {placed.map(({ deal, top }) => (
            <li key={textAt(deal, 'id')} style={{ top: `${top}px` }}>
              <ClosingDeal deal={deal} />
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  );
}

function ClosingDeal({ deal }: { deal: Json }) {
  const company = titleOf(useRecord('customers', textAt(deal, 'customerId')));
  const amount = valueAt(deal, 'amount');
  return (
    <Link to="/$resource/$id" params={{ resource: 'deals', id: textAt(deal, 'id') }} className={style.closes}>
      <span className={text.row}>
        <b className={join(text.cut, text.grow)}>{textAt(deal, 'title')}</b>
        {isMoney(amount) && <span>{format.money(amount)}</span>}
      </span>
      <span className={join(text.cut, text.micro)}>
        {format.day(textAt(deal, 'closeDate'))}
        {company !== '' && `, ${company}`}
      </span>
    </Link>
  );
}

/** A tick for each day, a longer one with the date for Mondays, and the chip of today. Where deals crowd, days have more room. */
function Ruler({ from, placed, height }: { from: Date; placed: readonly Placed[]; height: number }) {
  return (
    <svg className={style.days} width={72} height={height} aria-hidden>
      {ticksOf(placed, from).map(({ days, y, isLabelled }) => {
        const day = addDays(from, days);
        const isLong = isLabelled || days === 0;
        return (
          <g key={days}>
            <path d={`M${isLong ? 62 : 66} ${Math.round(y) + 0.5}H72`} />
            {isLabelled && (
              <text x={57} y={y + 4}>
                {format.day(dayText(day))}
              </text>
            )}
          </g>
        );
      })}
      <rect x={0} y={1} width={60} height={19} rx={4} />
      <text x={30} y={15} className={style.now}>
        {format.day(dayText(from))}
      </text>
    </svg>
  );
}

interface Placed {
  deal: Json;
  /** From today. */
  days: number;
  top: number;
}

/** Each deal below the one before it, as far as their days are apart. */
function placeOn(deals: readonly Json[], from: Date): Placed[] {
  let last = { days: 0, top: -itemHeight };
  return deals.map((deal) => {
    const days = daysBetween(from, new Date(`${textAt(deal, 'closeDate')}T00:00:00Z`));
    const gap = Math.min(longestGap, (days - last.days) * dayHeight);
    last = { days, top: Math.max(last.top + itemHeight + 4, Math.max(0, last.top) + gap) };
    return { deal, ...last };
  });
}

/** Heights of the days up to the last deal: each deal is at its day. Mondays have a label where there is room. */
function ticksOf(placed: readonly Placed[], from: Date): { days: number; y: number; isLabelled: boolean }[] {
  const stops = [{ days: 0, y: 10 }, ...placed.map(({ days, top }) => ({ days, y: top + 12 }))];
  let labelAt = 20;
  return stops.flatMap((stop, index) => {
    const next = stops[index + 1];
    const count = next ? next.days - stop.days : 1;
    return Array.from({ length: count }, (_, step) => {
      const y = next ? stop.y + ((next.y - stop.y) * step) / count : stop.y;
      const isLabelled = addDays(from, stop.days + step).getUTCDay() === 1 && y > labelAt + 16;
      if (isLabelled) labelAt = y;
      return { days: stop.days + step, y, isLabelled };
    });
  });
}
