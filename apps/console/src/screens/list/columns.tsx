import { useRouter } from '@tanstack/react-router';
import type { MouseEvent, ReactNode } from 'react';
import { labels } from '../../app/language.ts';
import { nameOf, type FormField } from '../../kit/form/form-field.ts';
import { isPrincipal, Title, titleText } from '../../kit/record/names.tsx';
import { theContract, type Field, type Resource } from '../../contract/contract.ts';
import { itemsAt, valueAt, type Json } from '../../contract/json.ts';
import { hintsOf } from '../../hints/hints.ts';
import type { GridColumn } from '../../kit/grid/grid-row.tsx';
import { Chip, Face, text, Ticks } from '../../kit/ui.tsx';
import { Value } from '../../kit/record/value.tsx';
import style from './list.module.css';

export interface ListColumn extends GridColumn<Json> {
  field: Field;
  valueOf: (record: Json) => unknown;
}

/** Where a record is shown; undefined for an item that has no screen of its own. */
type PathOf = (record: Json) => string | undefined;

const skipped = new Set(['etag', 'customFields', 'tenantId']);

/** All columns that a list can have, its name first. */
export function columnsOf(resource: Resource, customFields: readonly FormField[], pathOf: PathOf): ListColumn[] {
  const { message } = resource;
  const hints = hintsOf(resource);
  const fields = theContract().fields(message);
  const own = fields
    .filter((field) => !skipped.has(field.name) && !field.secret && field.name !== hints.title)
    .map((field) => columnOf(resource, field, nameOf(field, message), (record) => valueAt(record, field.name)));
  const parts = partsOf(resource, fields).map(({ list, field }) =>
    columnOf(resource, field, nameOf(field, message), (record) => itemsAt(record, list)[0]?.[field.name]),
  );
  const custom = customFields.map((field) =>
    columnOf(resource, field, field.label ?? '', (record) => valueAt(record, field.name)),
  );
  return [nameColumn(resource, pathOf), ...own, ...parts, ...custom];
}

/** Fields of a list's entries that filters know without the name of the list, such as the country of an address. */
function partsOf(resource: Resource, fields: readonly Field[]): { list: string; field: Field }[] {
  return resource.filters.flatMap(({ path }) => {
    if (fields.some(({ name }) => name === path)) return [];
    for (const { name, list, of } of fields) {
      const field = list && of !== undefined ? theContract().field(of, path) : undefined;
      if (field) return [{ list: name, field }];
    }
    return [];
  });
}

function nameColumn(resource: Resource, pathOf: PathOf): ListColumn {
  const { title, face } = hintsOf(resource);
  const field = theContract().field(resource.message, title) ?? { name: title, type: 'text' };
  return {
    id: title,
    field,
    name: labels.field(resource.message, title),
    width: [12, 2.2],
    isOrdered: resource.orders.includes(title),
    place: 'name',
    valueOf: (record) => valueAt(record, title),
    cell: (record) => {
      const path = pathOf(record);
      const name = <Title record={record} resource={resource} />;
      return (
        <>
          {face && <Face name={titleText({ record, resource })} shape={face(record)} />}
          {path === undefined ? <span className={text.cut}>{name}</span> : <NameLink path={path}>{name}</NameLink>}
          <Tags value={valueAt(record, 'tags')} />
        </>
      );
    },
  };
}

/** The list that a record is opened from, which its screen goes back to. */
export function from(): Record<string, string> {
  return { from: location.pathname + location.search };
}

/** A plain link: the router's own would cost more than the rest of the row while it scrolls. */
function NameLink({ path, children }: { path: string; children: ReactNode }) {
  const router = useRouter();
  const open = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    void router.navigate({ to: path, search: from() });
  };
  return (
    <a
      href={path}
      title={path.split('/').at(-1)}
      tabIndex={-1}
      onClick={open}
      onMouseEnter={() => void router.preloadRoute({ to: path })}
    >
      {children}
    </a>
  );
}

/** The first tag, and how many more there are. */
function Tags({ value }: { value: unknown }) {
  if (!Array.isArray(value) || value.length === 0) return null;
  return (
    <span className={style.tag} title={value.join(', ')}>
      <Chip>
        {String(value[0])}
        {value.length > 1 && ` +${value.length - 1}`}
      </Chip>
    </span>
  );
}

function columnOf(resource: Resource, field: Field, name: string, valueOf: (record: Json) => unknown): ListColumn {
  const { detail, figure } = hintsOf(resource);
  const isEnd = !field.list && (['int', 'number', 'time', 'date'].includes(field.type) || field.of === 'Money');
  const isLastTime = field.name === 'updateTime' || field.name === 'time';
  const place = { [detail ?? '']: 'detail', [figure ?? '']: 'figure' }[field.name] ?? (isLastTime ? 'end' : undefined);
  return {
    id: field.name,
    field,
    name,
    width: widthOf(field),
    isEnd,
    isOrdered: resource.orders.includes(field.name),
    ...(place !== undefined && { place: place as 'detail' | 'figure' | 'end' }),
    valueOf,
    cell: (record) => <Cell resource={resource} field={field} value={valueOf(record)} />,
  };
}

function widthOf(field: Field): readonly [number, number] {
  if (field.list) return [7, 1.2];
  if (['int', 'number', 'bool'].includes(field.type)) return [5.5, 0.6];
  if (['time', 'date'].includes(field.type)) return [8.25, 0.6];
  if (field.type === 'enum') return [8.5, 1];
  return field.of === 'Money' ? [6.5, 0.8] : [7, 1.2];
}

function Cell({ resource, field, value }: { resource: Resource; field: Field; value: unknown }): ReactNode {
  const isFigure = ['int', 'number'].includes(field.type) || field.of === 'Money';
  if (value === undefined || value === null || value === '') {
    // A missing figure has a sign, a missing text has none.
    return isFigure ? <span className={text.faint}>–</span> : null;
  }
  const link = typeof value === 'string' && value !== '***' ? textCell(resource, field, value) : undefined;
  if (link !== undefined) return link;
  if (isFigure || field.type === 'enum') return <Value field={field} value={value} />;
  return (
    <span className={text.two} title={typeof value === 'string' && field.type === 'text' ? value : undefined}>
      <Value field={field} value={value} isPlain />
    </span>
  );
}

/** A text that stands for something: a key, a position, an id; undefined for another one. */
function textCell(resource: Resource, field: Field, value: string): ReactNode {
  if (isPrincipal(field) || field.reference !== undefined) return <Value field={field} value={value} isPlain />;
  if (field.keys !== undefined) return <Value field={field} value={value} />;
  if (field.type === 'enum' && isScale(resource, field)) return <Step field={field} value={value} />;
  if (!/(?:^i|I)d$/.test(field.name)) return undefined;
  return (
    <code className={text.two} title={value}>
      {value}
    </code>
  );
}

/** Whether the values of an enum are in order, so that one is a position. */
function isScale(resource: Resource, field: Field): boolean {
  return resource.filters.some(({ path, operators }) => path === field.name && operators.includes('<'));
}

function Step({ field, value }: { field: Field; value: string }) {
  const values = theContract().enumValues(field.of);
  const step = values.findIndex(({ name }) => name === value) + 1;
  return (
    <span className={text.row}>
      <span aria-hidden>
        <Ticks label="" count={values.length} value={step / values.length} height={10} />
      </span>
      <span className={text.cut}>
        <Value field={field} value={value} />
      </span>
    </span>
  );
}
