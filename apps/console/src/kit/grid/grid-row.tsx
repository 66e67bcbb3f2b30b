import { memo, type MouseEvent, type ReactNode } from 'react';
import { join, text } from '../ui.tsx';
import style from './grid.module.css';

interface GridRowProps<Row> {
  row: Row;
  index: number;
  top: number;
  columns: readonly GridColumn<Row>[];
  isCursor: boolean;
  /** Undefined where rows cannot be selected. */
  isSelected: boolean | undefined;
  state: RowState | undefined;
  selectName: string | undefined;
  grid: GridProps<Row>;
}

export const GridRow = memo(Row, isSame) as typeof Row;

/** `grid` has the handlers, which do not change what a row looks like. */
function isSame<Data>(old: GridRowProps<Data>, now: GridRowProps<Data>): boolean {
  return (
    old.row === now.row &&
    old.index === now.index &&
    old.top === now.top &&
    old.columns === now.columns &&
    old.isCursor === now.isCursor &&
    old.isSelected === now.isSelected &&
    old.state === now.state &&
    old.grid.selection?.ids === now.grid.selection?.ids
  );
}

function Row<Data>({ row, index, top, columns, isCursor, isSelected, state, selectName, grid }: GridRowProps<Data>) {
  const toggle = (toRange: boolean) => {
    grid.selection?.change(toggled(grid, index, toRange));
    grid.onCursor(index);
  };
  const open = (event: MouseEvent<HTMLElement>) => {
    const { target } = event;
    if (target instanceof Element && target.closest('a, button, label, input')) return;
    if (event.shiftKey && grid.selection) toggle(true);
    else if (grid.selection && grid.selection.ids.size > 0) toggle(false);
    else grid.onOpen(row);
  };
  return (
    // Keys are handled by the grid, and by the shortcuts of its screen.
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      tabIndex={isCursor ? 0 : -1}
      data-cursor={isCursor || undefined}
      className={join(style.row, state && style[state.kind])}
      style={{ top }}
      onClick={open}
      onFocus={() => !isCursor && grid.onCursor(index)}
    >
      {isSelected !== undefined && (
        <span role="gridcell" className={style.check}>
          <CheckBox label={selectName ?? ''} checked={isSelected} onChange={toggle} />
        </span>
      )}
      {columns.map(({ id, isEnd, place, cell }, column) => (
        <span
          key={id}
          role={column === 0 ? 'rowheader' : 'gridcell'}
          className={join(style.cell, isEnd && text.number, place ? style[`place-${place}`] : style.wide)}
        >
          {cell(row)}
        </span>
      ))}
      {state?.text !== undefined && (
        <span className={style.noteTrack} role="gridcell">
          <span className={style.note}>
            {state.text}
            {state.action}
          </span>
        </span>
      )}
    </div>
  );
}

/** The selection after a press on a row: with it, without it, or with all rows from the cursor to it. */
function toggled<Row>(grid: GridProps<Row>, index: number, toRange: boolean): ReadonlySet<string> {
  const ids = new Set(grid.selection?.ids);
  const [from, to] = toRange ? [Math.min(index, grid.cursor), Math.max(index, grid.cursor)] : [index, index];
  const touched = grid.rows.slice(from, to + 1).map(grid.idOf);
  const isOn = !toRange && touched.some((id) => ids.has(id));
  for (const id of touched) {
    if (isOn) ids.delete(id);
    else ids.add(id);
  }
  return ids;
}

interface CheckBoxProps {
  label: string;
  checked: boolean;
  mixed?: boolean;
  onChange: (toRange: boolean) => void;
}

export function CheckBox({ label, checked, mixed = false, onChange }: CheckBoxProps) {
  return (
    <label className={style.box}>
      <input
        type="checkbox"
        aria-label={label}
        checked={checked}
        tabIndex={-1}
        ref={(input) => {
          if (input) input.indeterminate = mixed;
        }}
        onChange={({ nativeEvent }) => onChange('shiftKey' in nativeEvent && nativeEvent.shiftKey === true)}
      />
    </label>
  );
}

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

interface SelectionNames {
  all: string;
  row: string;
}
