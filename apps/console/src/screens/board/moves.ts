import { createContext, useContext, useEffect, useRef, useState, type RefObject } from 'react';
import type { Person } from '../../kit/record/names.tsx';
import { call, invalidate, Problem } from '../../contract/api.ts';
import { inTurn } from '../../contract/in-turn.ts';
import { textAt, type Json } from '../../contract/json.ts';
import {
  placeSaved,
  type Beside,
  type BoardScope,
  type Column,
  type Move,
  type Placed,
  type Refusal,
  type Totals,
} from './board-data.ts';

interface Return {
  /** Column that refused it, or undefined for a change by someone else. */
  column: string | undefined;
  problem: Problem;
  /** The card as the server has it now. */
  card: Json;
}

export interface Moves {
  move: Move | undefined;
  /** The same for handlers of a drag, which run before the next render. */
  held: RefObject<Move | undefined>;
  /** Cards whose moves are on their way to the server. */
  placed: readonly Placed[];
  returned: Return | undefined;
  lift: (card: Json, from: string) => void;
  hover: (column: string, beside?: Beside) => void;
  leave: (column: string) => void;
  /** Called at the end of each drag; one that was not dropped goes back. */
  release: () => void;
  drop: (card: Json, from: string, to: string, beside?: Beside) => void;
}

/** Moves cards between columns: at once on the screen, and back when the server refuses. */
export function useMoves(scope: BoardScope, columns: readonly string[]): Moves {
  const [move, setMove] = useState<Move>();
  const [placed, setPlaced] = useState<readonly Placed[]>([]);
  const [returned, setReturned] = useState<Return>();
  const held = useRef<Move>(undefined);
  const set = (next: Move | undefined) => {
    held.current = next;
    setMove(next);
  };
  const send = async (next: Move) => {
    const { card, to, beside } = next;
    const onItsWay: Placed = { card: { ...card, [scope.hint.column]: to }, column: to, beside };
    const arrive = () => setPlaced((all) => all.filter((each) => each !== onItsWay));
    setPlaced((all) => [...all, onItsWay]);
    try {
      const saved = await inTurn(card, (over) => sendMove(scope, { ...next, card: over }));
      placeSaved(scope, columns, { ...onItsWay, card: saved });
      arrive();
      // Reads under way may be older than the move.
      await invalidate(scope.resource.name);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const current = await currentCard(scope, card);
      arrive();
      setReturned({ column: error.status === 412 ? undefined : to, problem: error, card: current });
      await invalidate(scope.resource.name);
      focusCard(textAt(card, 'id'));
    }
    if (held.current === next) set(undefined);
  };
  const over = (column: string, beside?: Beside) => {
    if (held.current && !held.current.isDropped) set({ ...held.current, to: column, beside });
  };
  return {
    move,
    held,
    placed,
    returned,
    lift: (card, from) => {
      setReturned(undefined);
      set({ card, from, to: from, isDropped: false });
    },
    hover: over,
    leave: (column) => {
      if (held.current?.to === column) over(held.current.from);
    },
    release: () => {
      if (held.current?.isDropped !== true) set(undefined);
    },
    drop: (card, from, to, beside) => {
      const next = { card, from, to, beside, isDropped: true };
      const isMoved = from !== to || (beside !== undefined && beside.id !== textAt(card, 'id'));
      setReturned(undefined);
      set(isMoved ? next : undefined);
      if (isMoved) void send(next);
    },
  };
}

/** The same call for mouse, keyboard and menu: it fails when the card has changed since it was read. */
function sendMove({ resource, hint, verb }: BoardScope, { card, to, beside }: Move): Promise<Json> {
  const neighbor = beside && { [`${beside.position}Id`]: beside.id };
  return call(
    verb ?? resource.update ?? '',
    { id: textAt(card, 'id') },
    { body: { [hint.column]: to, ...neighbor }, ifMatch: textAt(card, 'etag') },
  );
}

/** The card as it is now; as it was read where that is not known. */
async function currentCard({ resource }: BoardScope, card: Json): Promise<Json> {
  try {
    return await call(resource.get ?? '', { id: textAt(card, 'id') });
  } catch (error) {
    if (error instanceof Problem) return card;
    throw error;
  }
}

/** Keys of a held card, as those that React Aria listens for: it moves between columns by Tab and drops by Enter. */
const heldKeys: Readonly<Record<string, KeyboardEventInit>> = {
  ArrowRight: { key: 'Tab' },
  ArrowLeft: { key: 'Tab', shiftKey: true },
  ' ': { key: 'Enter' },
};

/** While a card is held, arrows go to the column beside and Space drops it. */
export function useHeldKeys(isHeld: boolean): void {
  useEffect(() => {
    if (!isHeld) return;
    const translate = (event: KeyboardEvent) => {
      const init = heldKeys[event.key];
      if (!init || !event.isTrusted) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      document.activeElement?.dispatchEvent(
        new KeyboardEvent(event.type, { ...init, bubbles: true, cancelable: true }),
      );
    };
    // On the window: before React Aria, which listens on the document.
    window.addEventListener('keydown', translate, true);
    window.addEventListener('keyup', translate, true);
    return () => {
      window.removeEventListener('keydown', translate, true);
      window.removeEventListener('keyup', translate, true);
    };
  }, [isHeld]);
}

/** On a card, Space lifts it, and arrows go to the card beside. */
export function pressOnCard(event: React.KeyboardEvent): void {
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[role=row]') : null;
  if (!row || event.target !== row) return;
  if (event.key === ' ') {
    event.preventDefault();
    event.stopPropagation();
    if (event.type === 'keyup') lift(row);
  }
  if (event.type !== 'keydown' || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
  event.preventDefault();
  event.stopPropagation();
  cardBeside(row, event.key === 'ArrowRight' ? 1 : -1)?.focus();
}

/** Whether the held card was lifted by a key, and so goes from gap to gap. */
export const lifted = { byKey: false };

/** Presses the handle of the card, as the keyboard would. */
function lift(row: HTMLElement): void {
  lifted.byKey = true;
  const handle = row.querySelector('[slot=drag]');
  for (const type of ['keydown', 'keyup'])
    handle?.dispatchEvent(new KeyboardEvent(type, { key: 'Enter', bubbles: true, cancelable: true }));
}

/** The card at the same height in the next column that has one. */
function cardBeside(row: HTMLElement, step: 1 | -1): HTMLElement | undefined {
  const columns = [...document.querySelectorAll<HTMLElement>('[data-column]')];
  const { top } = row.getBoundingClientRect();
  for (
    let at = columns.findIndex((column) => column.contains(row)) + step;
    at >= 0 && at < columns.length;
    at += step
  ) {
    const rows = [...(columns[at]?.querySelectorAll<HTMLElement>('[role=row][data-key]') ?? [])];
    const distance = (each: HTMLElement) => Math.abs(each.getBoundingClientRect().top - top);
    const [nearest] = rows.sort((one, other) => distance(one) - distance(other));
    if (nearest) return nearest;
  }
  return undefined;
}

/** Focuses a card, once the column that has it now is drawn. */
export function focusCard(id: string): void {
  requestAnimationFrame(() =>
    requestAnimationFrame(() =>
      document.querySelector<HTMLElement>(`[role=row][data-key="${CSS.escape(id)}"]`)?.focus(),
    ),
  );
}

/** What columns and cards share. */
export interface Board {
  scope: BoardScope;
  columns: readonly Column[];
  totals: Totals;
  /** Currency whose sum comes first. */
  currency: string | undefined;
  people: ReadonlyMap<string, Person>;
  moves: Moves;
  columnName: (column: Column) => string;
  refusal: (card: Json, from: Column, to: Column) => Refusal | undefined;
  open: (card: Json) => void;
}

export const BoardContext = createContext<Board | undefined>(undefined);

/** @throws Error outside a board */
export function useBoard(): Board {
  const board = useContext(BoardContext);
  if (!board) throw new Error('There is no board around this.');
  return board;
}
