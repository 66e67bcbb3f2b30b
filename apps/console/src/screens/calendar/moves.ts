import { useRef, useState, type KeyboardEvent, type PointerEvent, type RefObject } from 'react';
import { t } from '../../app/language.ts';
import { Problem, textAt } from '../../contract/api.ts';
import { notify } from '../../kit/toast.tsx';
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
  byPointer: boolean;
}

export interface CalendarMoves {
  /** The entries, with the held and the just moved ones at their new times. */
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
  const [moved, setMoved] = useState<Entry>();
  const [fault, setFault] = useState('');
  const grip = useRef<{ entry: Entry; x: number; y: number; offset: number; isDrag: boolean }>(undefined);
  const dragged = useRef(false);

  const save = async (entry: Entry, etag: string): Promise<string | undefined> => {
    setMoved(entry);
    setFault('');
    try {
      return await saveTimes(entry, etag);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setFault(
        t(error.status === 412 ? 'calendar.changed' : 'calendar.putBack', { title: entry.title, why: error.message }),
      );
      return undefined;
    } finally {
      setMoved(undefined);
    }
  };
  const drop = async ({ entry, shown }: Held) => {
    setHeld(undefined);
    if (shown.start.getTime() === entry.start.getTime()) return;
    const etag = await save(shown, textAt(entry.record, 'etag'));
    if (etag !== undefined) notify(t('calendar.moved', { title: entry.title }), () => save(entry, etag));
  };
  /** Another time of the held entry, on one of the shown days. */
  const shift = (to: Held, byDays: number, byMinutes: number) => {
    const at = daysBetween(days[0] ?? new Date(), dayOfEntry(to.shown)) + byDays;
    const day = days[Math.min(days.length - 1, Math.max(0, at))];
    const minutes = Math.min(1_440 - stepMinutes, Math.max(0, minutesOf(to.shown.start) + byMinutes));
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
      Enter: () => void drop(held),
      ' ': () => void drop(held),
    };
    acts[event.key]?.();
    return acts[event.key] !== undefined;
  };
  const onPointerMove = (event: PointerEvent) => {
    const at = grip.current;
    const box = columns.current?.getBoundingClientRect();
    if (!at || !box || event.buttons !== 1) return;
    at.isDrag ||= Math.hypot(event.clientX - at.x, event.clientY - at.y) > dragFrom;
    if (!at.isDrag) return;
    const index = Math.floor(((event.clientX - box.left) / box.width) * days.length);
    const minutes = ((event.clientY - box.top - at.offset) / box.height) * 1_440;
    const day = days[Math.min(days.length - 1, Math.max(0, index))];
    const snapped = Math.min(1_440 - stepMinutes, Math.max(0, Math.round(minutes / stepMinutes) * stepMinutes));
    if (day) setHeld({ entry: at.entry, shown: movedTo(at.entry, day, snapped), byPointer: true });
  };
  const release = (isDropped: boolean) => {
    const isDrag = grip.current?.isDrag === true;
    grip.current = undefined;
    dragged.current = isDrag;
    if (!isDrag) return;
    setHeld((now) => {
      if (now && isDropped) queueMicrotask(() => void drop(now));
      return undefined;
    });
  };
  return {
    held,
    fault,
    place: (entries) =>
      entries.map(
        (entry) => [held?.shown, moved].find((each) => each?.kind === entry.kind && each.id === entry.id) ?? entry,
      ),
    lift: (entry) => setHeld({ entry, shown: entry, byPointer: false }),
    onKey,
    onPointerMove,
    onPointerDown: (entry, event) => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      dragged.current = false;
      const { top } = event.currentTarget.getBoundingClientRect();
      grip.current = { entry, x: event.clientX, y: event.clientY, offset: event.clientY - top, isDrag: false };
      window.addEventListener('pointerup', () => release(true), { once: true });
      window.addEventListener('pointercancel', () => release(false), { once: true });
    },
    wasDrag: () => dragged.current,
  };
}
