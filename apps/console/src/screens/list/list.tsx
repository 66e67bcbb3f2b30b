import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { FormField } from '../../kit/form/form-field.ts';
import { pathOf, useCollection, useCustomFields } from '../../app/resource.ts';
import { Missing } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import type { Resource } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/api.ts';
import { hintsOf } from '../../hints/hints.ts';
import { Grid } from '../../kit/grid/grid.tsx';
import { BulkBar } from './bulk/bulk-bar.tsx';
import { columnsOf, from } from './columns.tsx';
import { Groups } from './tools/groups.tsx';
import { KeyHints } from './key-hints.tsx';
import { ListBar } from './list-bar.tsx';
import type { ListState } from './list-state.ts';
import { NoRows } from './no-rows.tsx';
import { Peek } from './peek.tsx';
import { orderOf, useListSearch } from './search.ts';
import { Tools } from './tools/tools.tsx';
import { useObject, useRows } from './use-rows.ts';
import { useListKeys } from './use-list-keys.ts';
import { useRowStates } from './use-row-states.tsx';
import { Views } from './views/views.tsx';
import style from './list.module.css';

/** The list of a collection. */
export function List() {
  const collection = useCollection();
  return collection ? <RecordList key={pathOf(collection)} {...collection} /> : <Missing />;
}

/** Any list of the contract: with filter, views and actions where the collection has them. */
export function RecordList({ resource, parents }: { resource: Resource; parents: Json }) {
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
      <KeyHints shown={rows.length} data={data} canSelect={canSelect} />
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
    singular: singular.toLowerCase(),
  };
}
