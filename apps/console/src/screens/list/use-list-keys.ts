import { useShortcut } from '../../app/shortcuts.ts';
import { textAt, type Json } from '../../contract/api.ts';

interface ListKeys {
  rows: readonly Json[];
  cursor: number;
  moveTo: (index: number) => void;
  ids: ReadonlySet<string>;
  /** Undefined where rows cannot be selected. */
  setIds: ((ids: ReadonlySet<string>) => void) | undefined;
  open: (row: Json) => void;
  peek: (row: Json) => void;
}

/** The keys of a list. They work wherever the focus is, except in a text. */
export function useListKeys({ rows, cursor, moveTo, ids, setIds, open, peek }: ListKeys): void {
  const current = rows[cursor];
  const id = textAt(current, 'id');
  useShortcut('j', 'list.key.next', () => moveTo(Math.min(rows.length - 1, cursor + 1)));
  useShortcut('k', 'list.key.previous', () => moveTo(Math.max(0, cursor - 1)));
  useShortcut('enter', 'list.key.open', () => current && open(current));
  useShortcut(' ', 'list.key.peek', () => current && peek(current));
  const canSelect = setIds !== undefined && id !== '';
  const toggle = () => setIds?.(ids.has(id) ? new Set([...ids].filter((each) => each !== id)) : new Set([...ids, id]));
  useShortcut('x', 'list.key.select', toggle, canSelect);
  useShortcut('escape', 'list.key.clear', () => setIds?.(new Set()), canSelect && ids.size > 0);
  useShortcut('/', 'list.key.filter', () => document.querySelector<HTMLElement>('[data-filter]')?.focus());
}
