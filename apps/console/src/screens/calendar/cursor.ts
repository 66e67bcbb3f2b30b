import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useMay } from '../../app/resource.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { addDays, daysBetween, momentOf, today } from '../home/home-data.ts';
import { dayOfEntry, minutesOf, placeOn, updates, type Entry } from './entries.ts';
import type { CalendarMoves } from './moves.ts';

const slotMinutes = 30;
const dayStart = 8 * 60;

/** Where the keyboard is: at a time of a shown day, or at an entry there. */
interface Place {
  /** Index of the shown day. */
  day: number;
  minutes: number;
  id?: string;
}

interface Calendar {
  days: readonly Date[];
  /** The day that the address names. */
  day: Date;
  entries: readonly Entry[];
  moves: CalendarMoves;
  /** Shows another day. */
  go: (to: Date) => void;
}

export interface Cursor extends Place {
  /** The entry that has the keyboard. */
  at: Entry | undefined;
  put: (next: Place) => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

/** The keys of the calendar: arrows go from slot to slot, from block to block, and over the edge to the week beside. */
export function useCursor({ days, day, entries, moves, go }: Calendar): Cursor {
  const may = useMay();
  const first = days[0] ?? day;
  const [place, setPlace] = useState<Place>({ day: Math.max(0, daysBetween(first, day)), minutes: dayStart });
  const isUsed = useRef(false);
  const focus = JSON.stringify([place, moves.held?.shown.start, first]);
  useEffect(() => {
    if (isUsed.current) focusCursor();
  }, [focus]);
  const put = (next: Place) => {
    isUsed.current = true;
    setPlace(next);
  };
  const on = days[place.day];
  const placed = on && placeOn(on, entries).find(({ entry }) => entry.id === place.id);
  const toDay = (index: number) => {
    const { minutes } = place;
    if (days[index]) return put(placeAt(days, entries, index, minutes));
    put({ day: index < 0 ? days.length - 1 : 0, minutes });
    return go(addDays(first, index < 0 ? -days.length : days.length));
  };
  const toTime = (minutes: number) => {
    if (minutes >= 0 && minutes < 1_440) put(placeAt(days, entries, place.day, minutes));
  };
  const step = (by: number) => {
    const timed = entries.filter((entry) => !entry.days);
    const from = momentOf(on ?? day, place.minutes);
    const next = placed
      ? timed[timed.findIndex(({ id }) => id === placed.entry.id) + by]
      : timed.find(({ start }) => start >= from);
    if (next) put({ day: daysBetween(first, dayOfEntry(next)), minutes: floor(minutesOf(next.start)), id: next.id });
  };
  const acts: Readonly<Record<string, () => void>> = {
    ArrowUp: () => toTime((placed ? floor(placed.from) : place.minutes) - slotMinutes),
    ArrowDown: () => toTime(placed ? floor(placed.to + slotMinutes - 1) : place.minutes + slotMinutes),
    ArrowLeft: () => toDay(place.day - 1),
    ArrowRight: () => toDay(place.day + 1),
    ' ': () => placed && may(updates[placed.entry.kind]) && moves.lift(placed.entry),
  };
  // From elsewhere on the screen: the keys continue where the keyboard was.
  useShortcut('arrowdown', 'calendar.key.go', focusCursor);
  useShortcut('arrowright', 'calendar.key.go', focusCursor);
  useShortcut(' ', 'calendar.key.lift', focusCursor);
  useShortcut('j', 'list.key.next', () => step(1));
  useShortcut('k', 'list.key.previous', () => step(-1));
  useShortcut('t', 'calendar.today', () => go(today()));
  useShortcut('pagedown', 'calendar.next', () => go(addDays(first, days.length)));
  useShortcut('pageup', 'calendar.previous', () => go(addDays(first, -days.length)));
  return {
    ...place,
    at: placed?.entry,
    put,
    onKeyDown: (event) => {
      if (event.metaKey || event.ctrlKey || event.altKey) return;
      const isHeld = moves.onKey(event);
      if (!isHeld) acts[event.key]?.();
      if (isHeld || acts[event.key]) event.preventDefault();
    },
  };
}

function focusCursor(): void {
  document.querySelector<HTMLElement>('[data-cursor]')?.focus();
}

/** The begin of the slot of a time. */
export function floor(minutes: number): number {
  return Math.floor(minutes / slotMinutes) * slotMinutes;
}

/** The place at a time of a day: that of the entry there, if there is one. */
function placeAt(days: readonly Date[], entries: readonly Entry[], day: number, minutes: number): Place {
  const on = days[day];
  const found = on && placeOn(on, entries).find(({ from, to }) => from < minutes + slotMinutes && to > minutes);
  return { day, minutes, ...(found && { id: found.entry.id }) };
}
