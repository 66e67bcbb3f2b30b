import { useRef, useState, type RefObject } from 'react';
import { call, Problem } from '../../contract/call.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { invalidate, queryClient } from '../../contract/queries.ts';
import { placeCard, totalsQuery, type BoardScope } from './board-data.ts';
import { focusCard } from './board-keys.ts';

/** A card in the hand, or on its way to the server. */
export interface Move {
  card: Json;
  from: string;
  /** Lane that it is over, or that it was dropped into. */
  to: string;
  isDropped: boolean;
}

/** Why a card was put back. */
export interface Return {
  /** Lane that refused it, or undefined for a change by someone else. */
  lane: string | undefined;
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
  hover: (lane: string) => void;
  leave: (lane: string) => void;
  /** Called at the end of each drag; one that was not dropped goes back. */
  release: () => void;
  drop: (card: Json, from: string, to: string) => void;
}

/** Moves cards between lanes: at once on the screen, and back when the server refuses. */
export function useMoves(scope: BoardScope, lanes: readonly string[]): Moves {
  const [move, setMove] = useState<Move>();
  const [returned, setReturned] = useState<Return>();
  const held = useRef<Move>(undefined);
  const set = (next: Move | undefined) => {
    held.current = next;
    setMove(next);
  };
  const send = async (next: Move) => {
    const { card, from, to } = next;
    placeCard(scope, lanes, { ...card, [scope.hint.lane]: to }, to);
    try {
      const saved = await changeLane(scope, card, to);
      placeCard(scope, lanes, saved, to);
      await queryClient.invalidateQueries({ queryKey: totalsQuery(scope).queryKey });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const current = await currentCard(scope, card);
      placeCard(scope, lanes, current, textAt(current, scope.hint.lane) || from);
      setReturned({ lane: error.status === 412 ? undefined : to, problem: error, card: current });
      await invalidate(scope.resource.name);
      focusCard(textAt(card, 'id'));
    }
    if (held.current === next) set(undefined);
  };
  const over = (lane: string) => {
    if (held.current && !held.current.isDropped) set({ ...held.current, to: lane });
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
    leave: (lane) => {
      if (held.current?.to === lane) over(held.current.from);
    },
    release: () => {
      if (held.current?.isDropped !== true) set(undefined);
    },
    drop: (card, from, to) => {
      const next = { card, from, to, isDropped: true };
      setReturned(undefined);
      set(from === to ? undefined : next);
      if (from !== to) void send(next);
    },
  };
}

/** The same PATCH for mouse, keyboard and menu: it fails when the card has changed since it was read. */
function changeLane({ resource, hint }: BoardScope, card: Json, lane: string): Promise<Json> {
  return call(
    resource.update ?? '',
    { id: textAt(card, 'id') },
    { body: { [hint.lane]: lane }, ifMatch: textAt(card, 'etag') },
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
