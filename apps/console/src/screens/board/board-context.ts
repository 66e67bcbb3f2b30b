import { createContext, useContext } from 'react';
import type { Json } from '../../contract/json.ts';
import type { BoardScope, Totals } from './board-data.ts';
import type { Lane, Refusal } from './lanes.ts';
import type { Moves } from './moves.ts';

/** What lanes and cards share. */
export interface Board {
  scope: BoardScope;
  lanes: readonly Lane[];
  totals: Totals;
  /** Currency whose sum comes first. */
  currency: string | undefined;
  people: ReadonlyMap<string, string>;
  moves: Moves;
  laneName: (lane: Lane) => string;
  refusal: (card: Json, from: Lane, to: Lane) => Refusal | undefined;
  open: (card: Json) => void;
}

export const BoardContext = createContext<Board | undefined>(undefined);

/** @throws Error outside a board */
export function useBoard(): Board {
  const board = useContext(BoardContext);
  if (!board) throw new Error('There is no board around this.');
  return board;
}
