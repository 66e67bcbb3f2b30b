import type { ReactNode } from 'react';
import { GridList, GridListItem } from 'react-aria-components';
import style from './split.module.css';

export interface SplitItem {
  id: string;
  /** For the search by typing, and for readers. */
  name: string;
  content: ReactNode;
}

/** Items at the left, of which one is open at the right. */
export function Split({ label, items, openId, onOpen, children }: SplitProps) {
  return (
    <div className={style.split}>
      <GridList
        className={style.list}
        aria-label={label}
        items={items}
        selectionMode="single"
        selectionBehavior="replace"
        disallowEmptySelection
        selectedKeys={openId === undefined ? [] : [openId]}
        onSelectionChange={(keys) => {
          const [first] = keys === 'all' ? [] : keys;
          if (first !== undefined) onOpen(String(first));
        }}
      >
        {({ id, name, content }) => (
          <GridListItem id={id} textValue={name} className={style.item}>
            {content}
          </GridListItem>
        )}
      </GridList>
      <section className={style.open}>{children}</section>
    </div>
  );
}

export interface SplitProps {
  label: string;
  items: readonly SplitItem[];
  openId: string | undefined;
  onOpen: (id: string) => void;
  children: ReactNode;
}
