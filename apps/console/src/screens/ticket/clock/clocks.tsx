import { useQuery } from '@tanstack/react-query';
import { format, labels, locale, t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { readQuery } from '../../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { useNow } from '../../../kit/media.ts';
import { Icon, icons, join, text, Ticks } from '../../../kit/ui.tsx';
import style from './clocks.module.css';
import { clockOf, leftText, type Clock } from './sla-clock.ts';

/** A clock that is within five minutes of its end shows seconds. */
const fastMs = 300_000;

/** The time, as often as clocks with these ends need it. */
function useTick(ends: readonly string[]): number {
  const slow = useNow();
  const isFast = ends.some((end) => Math.abs(Date.parse(end) - slow.getTime()) < fastMs + 30_000);
  return useNow(isFast ? 1_000 : 30_000).getTime();
}

/** The promises that a ticket is under: what is left of each, and what was not kept. `isWhole` adds those that were. */
export function Clocks({ ticketId, isWhole = false }: { ticketId: string; isWhole?: boolean }) {
  const may = useMay();
  const filter = `ticketId = "${ticketId}"`;
  const asked = { filter, orderBy: 'startTime desc', pageSize: 50 };
  const { data } = useQuery(readQuery('listSlaTimers', asked, may('listSlaTimers')));
  const timers = latestOf(itemsAt(data, 'slaTimers'))
    .filter(({ state, live }) => live === true || (isWhole && state !== 'CANCELLED'))
    .toSorted((one, other) => rankOf(one) - rankOf(other));
  const now = useTick(timers.map((timer) => textAt(timer, 'dueTime')));
  if (timers.length === 0) return null;
  return (
    <ul className={style.clocks} aria-label={labels.resource('slaTimers')}>
      {timers.map((timer) => (
        <TimerClock key={textAt(timer, 'id')} timer={timer} now={now} />
      ))}
    </ul>
  );
}

/** Of each metric the latest: a second question of the customer has a clock of its own. */
function latestOf(timers: readonly Json[]): Json[] {
  const metrics = new Set<string>();
  return timers.filter((timer) => {
    const metric = textAt(timer, 'metric');
    const isLatest = !metrics.has(metric);
    metrics.add(metric);
    return isLatest;
  });
}

/** What ends first is first, and what is done is last. */
function rankOf({ live, state, dueTime }: Json): number {
  return live !== true ? Infinity : state === 'PAUSED' ? Number.MAX_VALUE : Date.parse(String(dueTime));
}

function TimerClock({ timer, now }: { timer: Json; now: number }) {
  const clock = clockOf(factsOf(timer), now);
  const metric = labels.value('SlaMetric', textAt(timer, 'metric'));
  const due = textAt(timer, 'dueTime');
  return (
    <li className={style.clock} title={due === '' ? metric : t('sla.due', { time: format.exactTime(due) })}>
      <span className={text.meta}>{metric}</span>
      {clock.tone === 'met' ? (
        <span className={join(style.said, text.two)}>
          <Icon of={icons.Check} small /> {labels.value('SlaTimerState', 'MET')}
        </span>
      ) : (
        <>
          <ClockTicks clock={clock} label={`${metric}: ${clockText(clock)}`} count={16} />
          <span className={join(style.said, style[clock.tone])}>
            {clock.tone === 'paused' && <Icon of={icons.CirclePause} small />}
            {clockText(clock)}
          </span>
        </>
      )}
    </li>
  );
}

function factsOf(timer: Json) {
  const [due, end, remaining] = ['dueTime', 'endTime', 'remainingSeconds'].map((name) => textAt(timer, name));
  return {
    state: textAt(timer, 'state'),
    start: Date.parse(textAt(timer, 'startTime')),
    ...(due && { due: Date.parse(due) }),
    ...(end && { end: Date.parse(end) }),
    ...(remaining && { remainingSeconds: Number(remaining) }),
  };
}

/** The clock of a ticket that ends next, for lists. Nothing for a ticket without one. */
export function DueMark({ ticket }: { ticket: Json }) {
  const due = textAt(ticket, 'nextDueTime');
  const now = useTick([due]);
  if (due === '') return <span />;
  const begin = textAt(ticket, 'lastCustomerMessageTime') || textAt(ticket, 'createTime');
  const clock = clockOf({ state: 'RUNNING', start: Date.parse(begin), due: Date.parse(due) }, now);
  return (
    <span className={style.due} title={t('sla.due', { time: format.exactTime(due) })}>
      <ClockTicks clock={clock} label="" count={12} />
      <span className={join(text.meta, style[clock.tone])}>{clockText(clock, true)}</span>
    </span>
  );
}

/** A quarter before its end a clock turns; after it all ticks do, and the tall one is behind them. */
function ClockTicks({ clock, label, count }: { clock: Clock; label: string; count: number }) {
  const { tone, used } = clock;
  const color = tone === 'late' ? 'danger' : tone === 'soon' ? 'warn' : 'accent';
  return (
    <Ticks
      label={label}
      count={count}
      value={used}
      tone={color}
      height={10}
      {...(tone === 'late' && { limit: (count - 2) / count })}
    />
  );
}

/** @param isBrief whether what is around it says that the time is left */
function clockText({ tone, leftSeconds }: Clock, isBrief = false): string {
  if (leftSeconds === undefined) return t(`sla.${tone}`);
  const time = leftText(leftSeconds, locale);
  if (isBrief && tone !== 'late' && tone !== 'paused') return time;
  return t(tone === 'late' ? 'sla.over' : tone === 'paused' ? 'sla.pausedAt' : 'sla.left', { time });
}
