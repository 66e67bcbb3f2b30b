import type { KeyboardEvent, PointerEvent, ReactNode, RefObject } from 'react';
import { format, labels, locale, t } from '../../app/language.ts';
import { textAt } from '../../contract/json.ts';
import { useNow } from '../../kit/media.ts';
import { Icon, icons, join, text } from '../../kit/ui.tsx';
import { addDays, daysBetween, dayOf } from '../home/home-data.ts';
import { minutesOf, placeOn, type Entry, type Placed } from './entries.ts';
import style from './calendar.module.css';

const kindIcons = { meetings: icons.CalendarDays, calls: icons.Phone, tasks: icons.Check } as const;

/** Height of an hour, in rem. */
export const hourRem = 3;

export interface GridProps {
  days: readonly Date[];
  entries: readonly Entry[];
  /** First and last hour that are shown. */
  hours?: readonly [number, number];
  /** What a block does; without it, blocks are links of a short look. */
  blockProps?: (entry: Entry, day: Date) => BlockProps;
  /** Drawn in the column of a day, such as the place of the keyboard. */
  within?: (day: Date, index: number) => ReactNode;
  columns?: RefObject<HTMLDivElement | null>;
  onKeyDown?: (event: KeyboardEvent) => void;
  onSlot?: (day: number, event: React.MouseEvent) => void;
  onPointerMove?: (event: PointerEvent) => void;
}

export interface BlockProps {
  tabIndex?: number;
  isCursor?: boolean;
  isLifted?: boolean;
  onClick: () => void;
  onPointerDown?: (event: PointerEvent) => void;
}

/** Days as columns of hours, with what is on them as blocks. */
export function TimeGrid({ days, entries, hours = [0, 24], blockProps, within, columns, ...rest }: GridProps) {
  const now = useNow();
  const [first, last] = hours;
  const shown = Array.from({ length: last - first }, (_, index) => first + index);
  const height = `${(last - first) * hourRem}rem`;
  return (
    <div className={style.hours} onKeyDown={rest.onKeyDown}>
      <div className={style.scale} style={{ height }} aria-hidden>
        {shown.map((hour) => (
          <span key={hour} style={{ top: `${(hour - first) * hourRem}rem` }}>
            {hour > first && format.hour(new Date(2024, 0, 1, hour))}
          </span>
        ))}
      </div>
      <div
        ref={columns}
        className={style.columns}
        style={{ height, gridTemplateColumns: `repeat(${days.length}, minmax(0, 1fr))` }}
        onPointerMove={rest.onPointerMove}
      >
        {days.map((day, index) => (
          <section
            key={day.getTime()}
            aria-label={dayName(day)}
            className={join(style.column, isWeekend(day) && style.weekend)}
            onClick={(event) => event.target === event.currentTarget && rest.onSlot?.(index, event)}
          >
            {daysBetween(dayOf(now), day) === 0 && <NowLine now={now} first={first} last={last} />}
            {within?.(day, index)}
            {placeOn(day, entries).map((placed) => (
              <Block
                key={placed.entry.kind + placed.entry.id}
                placed={placed}
                first={first}
                isPast={placed.entry.end < now}
                {...blockProps?.(placed.entry, day)}
              />
            ))}
          </section>
        ))}
      </div>
    </div>
  );
}

function NowLine({ now, first, last }: { now: Date; first: number; last: number }) {
  const hours = minutesOf(now) / 60 - first;
  if (hours < 0 || hours > last - first) return null;
  return (
    <span className={style.now} style={{ top: `${hours * hourRem}rem` }}>
      <span>{format.hour(now)}</span>
    </span>
  );
}

function Block({
  placed,
  first,
  isPast,
  ...rest
}: { placed: Placed; first: number; isPast: boolean } & Partial<BlockProps>) {
  const { entry, from, to, track, tracks } = placed;
  const { tabIndex = 0, isCursor, isLifted, onClick, onPointerDown } = rest;
  const hours = [entry.start, ...(entry.kind === 'tasks' ? [] : [entry.end])]
    .map((each) => format.hour(each))
    .join('–');
  const kind = labels.singular(entry.kind.slice(0, -1));
  const place = textAt(entry.record, 'location');
  const when = [hours, place].filter((part) => part !== '').join(' · ');
  return (
    <button
      type="button"
      tabIndex={tabIndex}
      data-entry={entry.id}
      {...(isCursor && { 'data-cursor': true })}
      title={[entry.title, hours, place].filter((part) => part !== '').join('\n')}
      className={join(
        style.block,
        style[entry.kind],
        entry.isDone && style.done,
        isPast && style.past,
        isLifted && style.lifted,
        to - from < 45 ? style.short : to - from <= 60 && style.middle,
      )}
      style={{
        top: `${(from / 60 - first) * hourRem}rem`,
        height: `calc(${((to - from) / 60) * hourRem}rem - 2px)`,
        left: `${(track / tracks) * 100}%`,
        width: `calc(${100 / tracks}% - 3px)`,
      }}
      onClick={onClick}
      onPointerDown={onPointerDown}
    >
      <span className={text.hidden}>{kind},</span>
      <span className={style.title}>
        {entry.kind !== 'meetings' && <Icon of={kindIcons[entry.kind]} small />}
        <b>{entry.title}</b>
      </span>
      <span className={join(style.when, text.cut)}>{when}</span>
    </button>
  );
}

/** Such as `Monday, 23 November`. */
export function dayName(day: Date): string {
  return new Intl.DateTimeFormat(locale, { timeZone: 'UTC', weekday: 'long', day: 'numeric', month: 'long' }).format(
    day,
  );
}

function isWeekend(day: Date): boolean {
  return day.getUTCDay() % 6 === 0;
}

interface AllDayProps {
  days: readonly Date[];
  entries: readonly Entry[];
  onOpen: (entry: Entry) => void;
}

/** Meetings of whole days, and tasks of a day, as bars over the days. */
export function AllDay({ days, entries, onOpen }: AllDayProps) {
  const [first] = days;
  if (!first) return null;
  const bars = entries.flatMap((entry) => {
    if (!entry.days) return [];
    const [from, to] = entry.days.map((day) => daysBetween(first, day)) as [number, number];
    const start = Math.max(0, from);
    return [{ entry, start, span: Math.min(days.length - 1, to) - start + 1 }];
  });
  return (
    <div className={style.allDay}>
      <span className={text.micro}>{t('calendar.allDay')}</span>
      <div className={style.bars} style={{ gridTemplateColumns: `repeat(${days.length}, minmax(0, 1fr))` }}>
        {bars.map(({ entry, start, span }) => (
          <button
            key={entry.id}
            type="button"
            className={join(style.bar, style[entry.kind], entry.isDone && style.done)}
            style={{ gridColumn: `${start + 1} / span ${span}` }}
            aria-label={[labels.singular(entry.kind.slice(0, -1)), entry.title, dayName(addDays(first, start))].join(
              ', ',
            )}
            title={entry.title}
            onClick={() => onOpen(entry)}
          >
            {entry.kind === 'tasks' && <Icon of={icons.Check} small />}
            <span className={text.cut}>{entry.title}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
