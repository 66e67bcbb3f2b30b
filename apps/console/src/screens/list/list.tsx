import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { FormField } from '../../kit/form/form-field.ts';
import { pathOf, useCollection, useCustomFields } from '../../app/resource.ts';
import { Missing } from '../../app/boundaries.tsx';
import { inSentence } from '../../app/labels.ts';
import { labels, t } from '../../app/language.ts';
import type { Resource } from '../../contract/contract.ts';
import { isEmpty, textAt, type Json } from '../../contract/json.ts';
import { hintsOf } from '../../hints/hints.ts';
import { Grid } from '../../kit/grid/grid.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { IconButton, icons, text } from '../../kit/ui.tsx';
import { BulkBar } from './bulk/bulk-bar.tsx';
import { columnsOf, from, type ListColumn } from './columns.tsx';
import { Groups, Tools } from './tools/tools.tsx';
import { KeyHints, ListBar } from './list-bar.tsx';
import { orderOf, useListSearch, useObject, useRows, type ListState } from './search.ts';
import { NoRows } from './no-rows.tsx';
import { useRowStates } from './use-row-states.tsx';
import { Views } from './views/views.tsx';
import style from './list.module.css';

/** The list of a collection. */
export function List() {
  const collection = useCollection();
  return collection ? <RecordList key={pathOf(collection)} {...collection} /> : <Missing />;
}

/** Any list of the contract: with filter, views and actions where the collection has them. */
function RecordList({ resource, parents }: { resource: Resource; parents: Json }) {
  const navigate = useNavigate();
  const [search, change] = useListSearch();
  const customFields = useCustomFields({ resource, parents });
  const data = useRows(resource, parents, search);
  const states = useRowStates(resource, parents, data.rows);
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [cursor, setCursor] = useState(0);
  const { all, columns } = useColumns({ resource, parents, customFields, chosen: search.columns });
  const { rows } = states;
  const open = (row: Json) => {
    const path = pathOfRecord(resource, parents, row);
    if (path !== undefined) void navigate({ to: path, search: from() });
  };
  const canSelect = resource.batchUpdate !== undefined || resource.batchDelete !== undefined;
  const selection = canSelect
    ? { ids, change: setIds, names: { all: t('list.selectAll'), row: t('list.select') } }
    : undefined;
  const [isPeeking, setPeeking] = useState(false);
  useListKeys({
    rows,
    cursor,
    moveTo: setCursor,
    ids,
    setIds: canSelect ? setIds : undefined,
    open,
    peek: () => setPeeking(!isPeeking),
  });
  const list: ListState = { resource, parents, ...useNames(resource, parents), search, change, data };
  return (
    <section className={style.list} data-density={search.density}>
      <ListBar list={list} />
      <Views list={list} />
      <Tools list={list} customFields={customFields} columns={all} chosen={columns} />
      <Groups list={list} />
      {rows.length === 0 && !data.isLoading ? (
        <NoRows list={list} />
      ) : (
        <div className={style.body}>
          <Grid
            label={list.title}
            columns={columns}
            rows={rows}
            idOf={idOf}
            total={data.count}
            order={orderOf(search.sort)}
            onOrder={({ column, isDescending }) => change({ sort: isDescending ? `-${column}` : column })}
            selection={selection}
            cursor={cursor}
            onCursor={setCursor}
            onOpen={open}
            stateOf={states.stateOf}
            hasMore={data.hasMore || data.isLoading}
            onMore={data.more}
          />
          {isPeeking && rows[cursor] && <Peek row={rows[cursor]} columns={all} onClose={() => setPeeking(false)} />}
        </div>
      )}
      <BulkBar list={list} ids={ids} setIds={setIds} cursor={rows[cursor]} states={states} />
      <KeyHints shown={rows.length} list={list} canSelect={canSelect} />
    </section>
  );
}

interface ColumnChoice {
  resource: Resource;
  parents: Json;
  customFields: readonly FormField[];
  chosen: string | undefined;
}

/** The columns that there are, and those that are shown. They stay the same as long as they can: every row is drawn with them. */
function useColumns({ resource, parents, customFields, chosen }: ColumnChoice) {
  const all = useMemo(
    () => columnsOf(resource, customFields, (row) => pathOfRecord(resource, parents, row)),
    [resource, parents, customFields],
  );
  const columns = useMemo(() => {
    const [name, ...others] = all;
    // The fields of a custom object are all custom; of another record they are asked for.
    const shown = resource.name.includes('{') ? customFields.slice(0, 4) : [];
    const usual = hintsOf(resource).columns.toSpliced(-1, 0, ...shown.map(({ name }) => name));
    const ids = chosen?.split(',') ?? usual;
    const found = ids.flatMap((id) => others.find((column) => column.id === id) ?? []);
    return name ? [name, ...found] : found;
  }, [all, chosen, customFields, resource]);
  return { all, columns };
}

/** Items without an id have a number or a name. */
function idOf(row: Json): string {
  return textAt(row, 'id') || textAt(row, 'number') || textAt(row, 'name') || JSON.stringify(row);
}

function pathOfRecord(resource: Resource, parents: Json, row: Json): string | undefined {
  const id = textAt(row, 'id');
  if (resource.get === undefined || id === '') return undefined;
  return hintsOf(resource).path?.(row) ?? `${pathOf({ resource, parents })}/${id}`;
}

/** The names of the records, and of one: those of a custom object are its definition's. */
function useNames(resource: Resource, parents: Json): Pick<ListState, 'title' | 'singular'> {
  const definition = useObject(textAt(parents, 'object'));
  const singular = textAt(definition, 'displayName') || labels.singular(resource.singular);
  return {
    title: textAt(definition, 'displayNamePlural') || labels.resource(resource.name),
    singular: inSentence(singular),
  };
}

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
function useListKeys({ rows, cursor, moveTo, ids, setIds, open, peek }: ListKeys): void {
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

/** The values of the row at the cursor, beside the list. */
function Peek({ row, columns, onClose }: { row: Json; columns: readonly ListColumn[]; onClose: () => void }) {
  useShortcut('escape', 'list.key.closePeek', onClose);
  const [name, ...others] = columns;
  const filled = others.filter((column) => !isEmpty(column.valueOf(row)));
  return (
    <aside className={style.peek} aria-label={t('list.peek')} tabIndex={0}>
      <header className={style.peekHead}>
        {name?.cell(row)}
        <span className={text.grow} />
        <IconButton small icon={icons.X} name={t('kit.close')} shortcut="Esc" onPress={onClose} />
      </header>
      <dl>
        {filled.map((column) => (
          <div key={column.id} className={style.fact}>
            <dt>{column.name}</dt>
            <dd>{column.cell(row)}</dd>
          </div>
        ))}
      </dl>
    </aside>
  );
}
