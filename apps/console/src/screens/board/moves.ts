import { useRef, useState, type RefObject } from 'react';
import { call, invalidate, Problem, queryClient, textAt, type Json } from '../../contract/api.ts';
import { placeCard, totalsQuery, type Beside, type BoardScope, type Move } from './board-data.ts';
import { focusCard } from './board-keys.ts';

/** Why a card was put back. */
export interface Return {
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
  const [returned, setReturned] = useState<Return>();
  const held = useRef<Move>(undefined);
  const set = (next: Move | undefined) => {
    held.current = next;
    setMove(next);
  };
  const send = async (next: Move) => {
    const { card, to, beside } = next;
    const putBack = placeCard(scope, columns, { ...card, [scope.hint.column]: to }, to, beside);
    try {
      const saved = await sendMove(scope, next);
      placeCard(scope, columns, saved, to, beside);
      await queryClient.invalidateQueries({ queryKey: totalsQuery(scope).queryKey });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const current = await currentCard(scope, card);
      putBack();
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
