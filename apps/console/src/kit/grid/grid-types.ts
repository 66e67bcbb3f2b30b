import type { ReactNode } from 'react';

export interface GridColumn<Row> {
  id: string;
  name: string;
  /** Least width in rem, and its share of the rest. */
  width: readonly [least: number, share: number];
  isEnd?: boolean;
  /** Whether the rows can be ordered by it. */
  isOrdered?: boolean;
  /** Where it is in a row of two lines, on a phone; nowhere by default. */
  place?: 'name' | 'detail' | 'figure' | 'end';
  cell: (row: Row) => ReactNode;
}

export interface GridOrder {
  column: string;
  isDescending: boolean;
}

/** How a row differs: changed by someone else, deleted, or refused, with the sentence that says so. */
export interface RowState {
  kind: 'changed' | 'deleted' | 'failed';
  text?: string;
  action?: ReactNode;
}

export interface GridProps<Row> {
  label: string;
  columns: readonly GridColumn<Row>[];
  rows: readonly Row[];
  idOf: (row: Row) => string;
  /** Of all pages, for readers; unknown until it is counted. */
  total?: number;
  order?: GridOrder;
  onOrder?: (order: GridOrder) => void;
  /** Absent where nothing can be done with several rows. */
  selection?: { ids: ReadonlySet<string>; change: (ids: ReadonlySet<string>) => void; names: SelectionNames };
  cursor: number;
  onCursor: (index: number) => void;
  onOpen: (row: Row) => void;
  stateOf?: (row: Row) => RowState | undefined;
  hasMore: boolean;
  onMore: () => void;
}

export interface SelectionNames {
  all: string;
  row: string;
}
