import { createContext, useContext } from 'react';
import type { Person } from '../../kit/record/names.tsx';
import type { Json } from '../../contract/api.ts';
import type { BoardScope, Totals } from './board-data.ts';
import type { Column, Refusal } from './columns.ts';
import type { Moves } from './moves.ts';

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
