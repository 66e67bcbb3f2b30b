import { memo, useEffect, useRef, type CSSProperties, type KeyboardEvent } from 'react';
import { Icon, icons, join, Skeleton, text } from '../ui.tsx';
import { useGridWindow } from './grid-window.ts';
import { CheckBox, GridRow, type GridColumn, type GridOrder, type GridProps } from './grid-row.tsx';
import style from './grid.module.css';

/**
 * Rows of one height, of which only those on the screen exist.
 *
 * React Aria's table keeps an element for each cell of every loaded row, and has no rows of two lines; with 10,000 rows this grid
 * renders about 50. The roles and keys are those of a grid with rows in the focus order (ARIA APG).
 */
export function Grid<Row>(props: GridProps<Row>) {
  const { label, columns, rows, idOf, total, selection, cursor, stateOf, hasMore, onMore } = props;
  const { scroller, probe, first, end, rowHeight, reveal } = useGridWindow(rows.length);
  const isFirst = useRef(true);

  const isNearEnd = hasMore && end > rows.length - 40;
  useEffect(() => {
    if (isNearEnd) onMore();
  }, [isNearEnd, onMore]);

  useEffect(() => {
    const box = scroller.current;
    if (isFirst.current || !box) {
      isFirst.current = false;
      return;
    }
    reveal(cursor);
    // A text, a menu or a dialog keeps the focus.
    const { activeElement } = document;
    const isFree = activeElement === document.body || activeElement?.id === 'main' || box.contains(activeElement);
    if (isFree) box.querySelector<HTMLElement>('[data-cursor]')?.focus({ preventScroll: true });
  }, [cursor, reveal, scroller]);

  const move = (index: number) => props.onCursor(Math.min(rows.length - 1, Math.max(0, index)));
  const indexes = Array.from({ length: Math.max(0, end - first) }, (_, offset) => first + offset);
  // The row of the cursor holds the focus, so it stays while another part is on the screen.
  if (cursor < rows.length && (cursor < first || cursor >= end)) indexes.push(cursor);
  return (
    <div ref={scroller} className={style.scroller}>
      <div
        role="grid"
        aria-label={label}
        aria-rowcount={total === undefined ? -1 : total + 1}
        aria-colcount={columns.length + (selection ? 1 : 0)}
        aria-multiselectable={selection !== undefined}
        className={join(style.grid, !selection && style.flush)}
        style={tracksOf(columns, selection !== undefined)}
        onKeyDown={(event) => onGridKey(event, { cursor, shown: end - first, rows: rows.length, move })}
      >
        <Head {...props} />
        <div role="rowgroup" className={style.body} style={{ height: (rows.length + (hasMore ? 3 : 0)) * rowHeight }}>
          <div ref={probe} className={style.probe} aria-hidden />
          {indexes.map((index) => {
            const row = rows[index];
            return row === undefined ? null : (
              <GridRow
                key={idOf(row)}
                row={row}
                index={index}
                top={index * rowHeight}
                columns={columns}
                isCursor={index === cursor}
                isSelected={selection?.ids.has(idOf(row))}
                state={stateOf?.(row)}
                selectName={selection?.names.row}
                grid={props}
              />
            );
          })}
          {hasMore && <Skeletons columns={columns} rows={3} top={rows.length * rowHeight} hasCheck={!!selection} />}
        </div>
      </div>
    </div>
  );
}

/** The widths of the columns, for the styles. */
function tracksOf(columns: readonly Pick<GridColumn<never>, 'width'>[], hasCheck: boolean): CSSProperties {
  const least = columns.reduce((sum, { width }) => sum + width[0], hasCheck ? 3 : 0);
  const tracks = columns.map(({ width: [min, share] }) => `minmax(${min}rem, ${share}fr)`);
  return {
    '--least': `${least}rem`,
    '--columns': [...(hasCheck ? ['var(--check)'] : []), ...tracks].join(' '),
  } as CSSProperties;
}

interface Movement {
  cursor: number;
  shown: number;
  rows: number;
  move: (index: number) => void;
}

function onGridKey(event: KeyboardEvent, { cursor, shown, rows, move }: Movement): void {
  const to = {
    ArrowDown: cursor + 1,
    ArrowUp: cursor - 1,
    PageDown: cursor + shown - 16,
    PageUp: cursor - shown + 16,
    Home: 0,
    End: rows - 1,
  }[event.key];
  if (to === undefined || event.altKey || event.metaKey) return;
  event.preventDefault();
  move(to);
}

function Head<Row>({ columns, rows, idOf, order, onOrder, selection }: GridProps<Row>) {
  const selected = selection?.ids.size ?? 0;
  const isAll = selected > 0 && rows.every((row) => selection?.ids.has(idOf(row)));
  return (
    <div role="rowgroup" className={style.head}>
      <div role="row" aria-rowindex={1} className={style.row}>
        {selection && (
          <span role="columnheader" className={style.check}>
            <CheckBox
              label={selection.names.all}
              checked={isAll}
              mixed={selected > 0 && !isAll}
              onChange={() => selection.change(isAll ? new Set() : new Set(rows.map(idOf)))}
            />
          </span>
        )}
        {columns.map((column) => (
          <HeadCell key={column.id} {...column} order={order} onOrder={onOrder} />
        ))}
      </div>
    </div>
  );
}

function HeadCell({
  id,
  name,
  isEnd,
  isOrdered,
  order,
  onOrder,
}: Pick<GridColumn<never>, 'id' | 'name' | 'isEnd' | 'isOrdered'> & {
  order: GridOrder | undefined;
  onOrder: ((order: GridOrder) => void) | undefined;
}) {
  const isCurrent = order?.column === id;
  const direction = order?.isDescending ? 'descending' : 'ascending';
  return (
    <span
      role="columnheader"
      aria-sort={isCurrent ? direction : undefined}
      className={join(style.heading, isEnd && text.number, isCurrent && style.current)}
      title={name}
    >
      {isOrdered && onOrder ? (
        <button type="button" onClick={() => onOrder({ column: id, isDescending: isCurrent && !order.isDescending })}>
          {name}
          {isCurrent && <Icon of={order.isDescending ? icons.ArrowDown : icons.ArrowUp} small />}
        </button>
      ) : (
        name
      )}
    </span>
  );
}

/** Rows in the widths of the columns, while the real ones are loaded. */
const Skeletons = memo(function Skeletons({ columns, rows, top, hasCheck }: SkeletonsProps) {
  const widths = columns.map(({ id }, index) => 5 + ((id.length * 7 + index * 5) % 11));
  return (
    <div aria-hidden className={style.skeletons} style={{ top, ...tracksOf(columns, hasCheck) }}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className={join(style.row, style.skeleton)} style={{ opacity: 1 - row / (rows + 1) }}>
          {hasCheck && <span className={style.check} />}
          {columns.map(({ id, isEnd, place }, index) => (
            <span
              key={id}
              className={join(style.cell, isEnd && text.number, place ? style[`place-${place}`] : style.wide)}
            >
              <Skeleton width={((widths[index] ?? 8) * (7 + ((row * 3) % 4))) / 8} />
            </span>
          ))}
        </div>
      ))}
    </div>
  );
});

interface SkeletonsProps {
  columns: readonly Pick<GridColumn<never>, 'id' | 'width' | 'isEnd' | 'place'>[];
  rows: number;
  top: number;
  hasCheck: boolean;
}
