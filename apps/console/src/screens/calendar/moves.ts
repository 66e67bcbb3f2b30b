import { useRef, useState, type KeyboardEvent, type PointerEvent, type RefObject } from 'react';
import { t } from '../../app/language.ts';
import { invalidate, Problem } from '../../contract/api.ts';
import type { Json } from '../../contract/json.ts';
import { notify } from '../../kit/notices.ts';
import { daysBetween } from '../home/home-data.ts';
import { dayOfEntry, minutesOf, movedTo, saveTimes, type Entry } from './entries.ts';

const stepMinutes = 15;
/** Pixels after which a pointer drags, and does not press. */
const dragFrom = 4;

/** An entry in the hand: by keyboard or by pointer. */
interface Held {
  entry: Entry;
  /** Where it would be dropped. */
  shown: Entry;
}

export interface CalendarMoves {
  /** The entries, with the held one and those whose moves are on their way at their new times. */
  place: (entries: readonly Entry[]) => Entry[];
  held: Held | undefined;
  /** Why the last move was put back. */
  fault: string;
  lift: (entry: Entry) => void;
  /** Takes the keys of a held entry. @returns whether it was one of them */
  onKey: (event: KeyboardEvent) => boolean;
  onPointerDown: (entry: Entry, event: PointerEvent) => void;
  onPointerMove: (event: PointerEvent) => void;
  /** Whether the press that just ended was a drag, which opens nothing. */
  wasDrag: () => boolean;
}

/** Moves entries to other times by pointer and keyboard: at once on the screen, and back when the server refuses. */
export function useCalendarMoves(days: readonly Date[], columns: RefObject<HTMLDivElement | null>): CalendarMoves {
  const [held, setHeld] = useState<Held>();
  const { moved, fault, drop: save } = useDrop();
  const drop = (last: Held) => {
    setHeld(undefined);
    void save(last);
  };
  /** Another time of the held entry, on one of the shown days. */
  const shift = (to: Held, byDays: number, byMinutes: number) => {
    const day = days[between(0, daysBetween(days[0] ?? new Date(), dayOfEntry(to.shown)) + byDays, days.length - 1)];
    const minutes = between(0, minutesOf(to.shown.start) + byMinutes, 1_440 - stepMinutes);
    if (day) setHeld({ ...to, shown: movedTo(to.shown, day, minutes) });
  };
  const onKey = (event: KeyboardEvent) => {
    if (!held) return false;
    const acts: Readonly<Record<string, () => void>> = {
      ArrowUp: () => shift(held, 0, -stepMinutes),
      ArrowDown: () => shift(held, 0, stepMinutes),
      ArrowLeft: () => shift(held, -1, 0),
      ArrowRight: () => shift(held, 1, 0),
      Escape: () => setHeld(undefined),
      Enter: () => drop(held),
      ' ': () => drop(held),
    };
    acts[event.key]?.();
    return acts[event.key] !== undefined;
  };
  return {
    ...usePointer(days, columns, setHeld, drop),
    held,
    fault,
    place: (entries) =>
      entries.map(
        (entry) => [...(held ? [held.shown] : []), ...moved].find((each) => isSameEntry(each, entry)) ?? entry,
      ),
    lift: (entry) => setHeld({ entry, shown: entry }),
    onKey,
  };
}

/** Saves where an entry was dropped, with a toast that takes it back. */
function useDrop() {
  const [moved, setMoved] = useState<readonly Entry[]>([]);
  const [fault, setFault] = useState('');
  const save = async (entry: Entry): Promise<Json | undefined> => {
    setMoved((all) => [...all.filter((each) => !isSameEntry(each, entry)), entry]);
    setFault('');
    try {
      return await saveTimes(entry);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const said = error.status === 412 ? 'calendar.changed' : 'calendar.putBack';
      setFault(t(said, { title: entry.title, why: error.message }));
      await invalidate(entry.kind);
      return undefined;
    } finally {
      setMoved((all) => all.filter((each) => each !== entry));
    }
  };
  const drop = async ({ entry, shown }: Held) => {
    if (shown.start.getTime() === entry.start.getTime()) return;
    const record = await save(shown);
    if (record) notify(t('calendar.moved', { title: entry.title }), () => save({ ...entry, record }));
  };
  return { moved, fault, drop };
}

function isSameEntry(one: Entry, other: Entry): boolean {
  return one.kind === other.kind && one.id === other.id;
}

interface Grip {
  entry: Entry;
  x: number;
  y: number;
  /** Of the pointer below the top of the block. */
  offset: number;
  /** Where it would be dropped, once the pointer has moved. */
  shown?: Entry;
}

/** Moves an entry by pointer, from where it was gripped. */
function usePointer(
  days: readonly Date[],
  columns: RefObject<HTMLDivElement | null>,
  setHeld: (held: Held | undefined) => void,
  drop: (held: Held) => void,
): Pick<CalendarMoves, 'onPointerDown' | 'onPointerMove' | 'wasDrag'> {
  const grip = useRef<Grip>(undefined);
  const dragged = useRef(false);
  const end = (isDropped: boolean) => {
    const { entry, shown } = grip.current ?? {};
    grip.current = undefined;
    dragged.current = shown !== undefined;
    if (entry && shown && isDropped) drop({ entry, shown });
    else setHeld(undefined);
  };
  return {
    wasDrag: () => dragged.current,
    onPointerDown: (entry, event) => {
      // A finger scrolls.
      if (event.button !== 0 || event.pointerType === 'touch') return;
      dragged.current = false;
      const { top } = event.currentTarget.getBoundingClientRect();
      grip.current = { entry, x: event.clientX, y: event.clientY, offset: event.clientY - top };
      window.addEventListener('pointerup', () => end(true), { once: true });
      window.addEventListener('pointercancel', () => end(false), { once: true });
    },
    onPointerMove: ({ clientX, clientY, buttons }) => {
      const at = grip.current;
      const box = columns.current?.getBoundingClientRect();
      const isNear = at && Math.hypot(clientX - at.x, clientY - at.y) <= dragFrom;
      if (!at || !box || buttons !== 1 || (isNear && !at.shown)) return;
      const day = days[between(0, Math.floor(((clientX - box.left) / box.width) * days.length), days.length - 1)];
      const steps = Math.round((((clientY - box.top - at.offset) / box.height) * 1_440) / stepMinutes);
      if (!day) return;
      at.shown = movedTo(at.entry, day, between(0, steps * stepMinutes, 1_440 - stepMinutes));
      setHeld({ entry: at.entry, shown: at.shown });
    },
  };
}

function between(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
