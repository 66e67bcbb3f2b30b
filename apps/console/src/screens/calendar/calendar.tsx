import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { format, locale, t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { readQuery } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { mostOfWhole } from '../../contract/whole-list.ts';
import { Segments } from '../../kit/form/segments.tsx';
import { useMedia } from '../../kit/media.ts';
import { Button, Icon, IconButton, icons, join, Key, text } from '../../kit/ui.tsx';
import { addDays, daysBetween, dayText, momentOf, today, weekOf } from '../home/home-data.ts';
import { floor, useCursor } from './cursor.ts';
import { dayOfEntry, useEntries, weekFrom, type Entry } from './entries.ts';
import { useCalendarMoves } from './moves.ts';
import { NewEntry } from './new-entry.tsx';
import { AllDay, dayName, hourRem, TimeGrid } from './time-grid.tsx';
import style from './calendar.module.css';

/** A week of meetings, calls and tasks in the zone of the browser; on narrow screens a day. */
export function Calendar() {
  const { data: settings, isPending } = useQuery({ ...readQuery('getSettings'), staleTime: 300_000 });
  const search: Json = useSearch({ strict: false });
  const isNarrow = useMedia('(width < 45em)');
  const asked = new Date(`${textAt(search, 'day')}T00:00:00Z`);
  const day = Number.isNaN(asked.getTime()) ? today() : asked;
  const first = isNarrow ? day : weekFrom(day, textAt(settings, 'weekStart'));
  const days = Array.from({ length: isNarrow ? 1 : 7 }, (_, index) => addDays(first, index));
  if (isPending) return <Bar title={t('nav.calendar')} />;
  return <Days days={days} day={day} isMine={textAt(search, 'view') !== 'all'} />;
}

function Days({ days, day, isMine }: { days: readonly Date[]; day: Date; isMine: boolean }) {
  const navigate = useNavigate();
  const first = days[0] ?? day;
  const columns = useRef<HTMLDivElement>(null);
  const moves = useCalendarMoves(days, columns);
  const shown = useEntries(first, addDays(first, days.length), isMine);
  const entries = moves.place(shown.entries);
  const [slot, setSlot] = useState<{ day: Date; minutes: number }>();
  const go = (to: Date) =>
    void navigate({ to: '/calendar', search: { day: dayText(to), ...(!isMine && { view: 'all' }) } as never });
  const open = (entry: Entry) =>
    void navigate({ to: '/$resource/$id', params: { resource: entry.kind, id: entry.id } });
  const cursor = useCursor({ days, day, entries, moves, go });
  const create = () => setSlot({ day: days[cursor.day] ?? day, minutes: cursor.minutes });
  useShortcut('n', 'calendar.new', create);
  return (
    <>
      <CalendarBar days={days} isMine={isMine} go={go} onNew={create} />
      <div className={style.calendar}>
        <DayHeads days={days} />
        <AllDay days={days} entries={entries} onOpen={open} />
        <MorningFirst first={first} count={days.length}>
          <TimeGrid
            days={days}
            entries={entries}
            columns={columns}
            onKeyDown={cursor.onKeyDown}
            onPointerMove={moves.onPointerMove}
            onSlot={(index, event) => {
              const box = event.currentTarget.getBoundingClientRect();
              const minutes = floor(((event.clientY - box.top) / box.height) * 1_440);
              cursor.put({ day: index, minutes });
              setSlot({ day: days[index] ?? day, minutes });
            }}
            blockProps={(entry) => ({
              tabIndex: cursor.at?.id === entry.id ? 0 : -1,
              isCursor: cursor.at?.id === entry.id,
              isLifted: moves.held?.entry.id === entry.id,
              onClick: () => !moves.wasDrag() && !moves.held && open(entry),
              onPointerDown: (event) => moves.onPointerDown(entry, event),
            })}
            within={(of, index) =>
              index === cursor.day && !cursor.at && <Slot day={of} minutes={cursor.minutes} onPress={create} />
            }
          />
        </MorningFirst>
        <Foot
          held={moves.held?.shown}
          fault={moves.fault || (shown.isCut ? t('calendar.cut', { most: format.number(mostOfWhole) }) : '')}
        />
      </div>
      {slot && <NewEntry day={slot.day} minutes={slot.minutes} onClose={() => setSlot(undefined)} />}
    </>
  );
}

/** Scrolls the hours: from seven in the morning, or from now if that is earlier and today is shown. */
function MorningFirst({ first, count, children }: { first: Date; count: number; children: ReactNode }) {
  const scroll = useRef<HTMLDivElement>(null);
  const days = daysBetween(first, today());
  // oxlint-disable-next-line react/purity -- of the time at which it is shown
  const hour = days >= 0 && days < count ? Math.min(7, new Date().getHours()) : 7;
  useEffect(() => {
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    scroll.current?.scrollTo({ top: (hour * hourRem - 0.5) * rem });
  }, [hour]);
  return (
    <div ref={scroll} className={style.scroll}>
      {children}
    </div>
  );
}

interface CalendarBarProps {
  days: readonly Date[];
  isMine: boolean;
  go: (to: Date) => void;
  onNew: () => void;
}

function CalendarBar({ days, isMine, go, onNew }: CalendarBarProps) {
  const navigate = useNavigate();
  const [first = today()] = days;
  const dayOfMonth = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', day: 'numeric', month: 'short' });
  const month = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', month: 'long', year: 'numeric' });
  return (
    <Bar
      title={(days.length === 1 ? dayOfMonth : month).formatRange(first, days.at(-1) ?? first)}
      beside={<span className={text.desk}>{t('home.week', { week: weekOf(addDays(first, 3)).number })}</span>}
    >
      <Segments
        label={t('home.whose')}
        value={isMine ? 'mine' : 'all'}
        onChange={(view) =>
          void navigate({ to: '/calendar', search: { day: dayText(first), ...(view === 'all' && { view }) } as never })
        }
        options={[
          { id: 'mine', name: t('views.mine') },
          { id: 'all', name: t('home.everyone') },
        ]}
      />
      <IconButton
        name={t('calendar.previous')}
        icon={icons.ChevronLeft}
        shortcut="PgUp"
        onPress={() => go(addDays(first, -days.length))}
      />
      <span className={text.desk}>
        <Button shortcut="T" onPress={() => go(today())}>
          {t('calendar.today')}
        </Button>
      </span>
      <IconButton
        name={t('calendar.next')}
        icon={icons.ChevronRight}
        shortcut="PgDn"
        onPress={() => go(addDays(first, days.length))}
      />
      <Button kind="primary" icon={icons.Plus} shortcut="N" onPress={onNew}>
        <span className={text.fold}>{t('calendar.new')}</span>
      </Button>
    </Bar>
  );
}

function DayHeads({ days }: { days: readonly Date[] }) {
  const now = today();
  const form = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', weekday: 'short' });
  return (
    <div className={style.heads} style={{ gridTemplateColumns: `repeat(${days.length}, minmax(0, 1fr))` }}>
      {days.map((day) => (
        <h2
          key={day.getTime()}
          className={join(style.dayHead, daysBetween(now, day) === 0 && style.isToday)}
          title={dayName(day)}
        >
          {form.format(day)} <b>{day.getUTCDate()}</b>
        </h2>
      ))}
    </div>
  );
}

/** The place of the keyboard where there is no entry. */
function Slot({ day, minutes, onPress }: { day: Date; minutes: number; onPress: () => void }) {
  const hour = format.hour(momentOf(day, minutes));
  return (
    <button
      type="button"
      data-cursor
      className={style.slot}
      style={{ top: `${(minutes / 60) * hourRem}rem`, height: `${hourRem / 2}rem` }}
      onClick={onPress}
      aria-label={t('calendar.newAt', { day: dayName(day), hour })}
    >
      <Icon of={icons.Plus} small /> {hour}
    </button>
  );
}

/** What is held and where, or what is wrong, or the keys. */
function Foot({ held, fault }: { held: Entry | undefined; fault: string }) {
  if (held)
    return (
      <footer className={join(style.foot, style.holding)} role="status">
        <strong className={text.cut}>{held.title}</strong>
        <span>
          {format.weekday(dayOfEntry(held))}, {format.hour(held.start)}
        </span>
        <span className={text.grow} />
        <Key>↑</Key> <Key>↓</Key> <Key>←</Key> <Key>→</Key> {t('calendar.key.move')} <Key>↵</Key> {t('board.key.drop')}{' '}
        <Key>Esc</Key> {t('board.key.back')}
      </footer>
    );
  if (fault !== '')
    return (
      <footer className={join(style.foot, style.fault)} role="alert">
        <Icon of={icons.TriangleAlert} /> {fault}
      </footer>
    );
  return (
    <footer className={join(style.foot, text.desk)}>
      <Key>↑</Key> <Key>↓</Key> <Key>←</Key> <Key>→</Key> {t('calendar.key.go')} <Key>↵</Key> {t('calendar.key.open')}{' '}
      <Key>{t('board.key.space')}</Key> {t('calendar.key.lift')} <Key>J</Key> <Key>K</Key> {t('calendar.key.step')}
    </footer>
  );
}
