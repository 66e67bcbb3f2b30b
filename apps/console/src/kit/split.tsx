import { useState, type ReactNode } from 'react';
import { GridList, GridListItem, type GridListProps } from 'react-aria-components';
import { useShortcut } from '../app/shortcuts.ts';
import { join, text } from './ui.tsx';
import style from './split.module.css';

/** Items at the left, of which one is open at the right. J and K go from one to the next. */
export function Split<Item>({ label, items, idOf, nameOf, line, chosenId, onChoose, children }: SplitProps<Item>) {
  const [own, setOwn] = useState<string>();
  const choose = onChoose ?? setOwn;
  const wanted = onChoose ? chosenId : own;
  const index = Math.max(
    0,
    items.findIndex((item) => idOf(item) === wanted),
  );
  const open = items[index];
  // What is open stays open when another item comes before it: a key must not act on what nobody has seen.
  if (!onChoose && open && idOf(open) !== own) setOwn(idOf(open));
  const next = items[(index + 1) % items.length];
  return (
    <div className={style.split}>
      <ChosenList
        className={style.list}
        label={label}
        ids={items.map(idOf)}
        chosen={wanted ?? (open ? idOf(open) : '')}
        onChoose={choose}
      >
        {items.map((item) => (
          <GridListItem key={idOf(item)} id={idOf(item)} textValue={nameOf(item)} className={style.item}>
            {line(item)}
          </GridListItem>
        ))}
      </ChosenList>
      <section className={style.open}>{children(open, () => next && choose(idOf(next)))}</section>
    </div>
  );
}

interface SplitProps<Item> {
  label: string;
  items: readonly Item[];
  idOf: (item: Item) => string;
  /** For the search by typing, and for readers. */
  nameOf: (item: Item) => string;
  line: (item: Item) => ReactNode;
  /** Where the address has the choice. The chosen one may be missing in the items. */
  chosenId?: string;
  onChoose?: (id: string) => void;
  /** @param next opens the next one, and after the last one the first */
  children: (open: Item | undefined, next: () => void) => ReactNode;
}

export interface ChosenListProps extends Omit<GridListProps<object>, 'aria-label' | 'className'> {
  label: string;
  className?: string | undefined;
  /** Of the items in their order, where J and K go from one to the next. */
  ids?: readonly string[];
  chosen: string;
  onChoose: (id: string) => void;
}

/** A list of which one item is chosen. */
export function ChosenList({ label, ids, chosen, onChoose, className, ...list }: ChosenListProps) {
  const step = (by: number) => {
    const next = ids?.[ids.indexOf(chosen) + by];
    if (next !== undefined) onChoose(next);
  };
  useShortcut('j', 'list.key.next', () => step(1), ids !== undefined);
  useShortcut('k', 'list.key.previous', () => step(-1), ids !== undefined);
  return (
    <GridList
      {...list}
      className={join(style.chosen, className)}
      aria-label={label}
      selectionMode="single"
      selectionBehavior="replace"
      disallowEmptySelection
      selectedKeys={[chosen]}
      onSelectionChange={(keys) => {
        const [first] = keys === 'all' ? [] : keys;
        if (first !== undefined) onChoose(String(first));
      }}
    />
  );
}

/** A name and what is said below it, in a line of the items. */
export function SplitLine({ name, below }: { name: string; below: ReactNode }) {
  return (
    <span className={style.line}>
      <span className={text.cut}>{name}</span>
      <span className={join(text.meta, text.cut)}>{below}</span>
    </span>
  );
}

/** What ends the work on the open item. It stays in sight. */
export function SplitFoot({ children }: { children: ReactNode }) {
  return <footer className={style.foot}>{children}</footer>;
}
