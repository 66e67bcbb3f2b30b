import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Density } from '../../app/theme.ts';
import type { GridOrder } from '../../kit/grid/grid-types.ts';

/** The state of a list, which its address holds: a link, a saved view and a reload show the same. */
export interface ListSearch {
  /** As it is written, words included. */
  filter?: string;
  /** A field, with `-` before it for descending. */
  sort?: string;
  /** Fields, with commas between them. */
  columns?: string;
  /** Field by whose values the records are counted above the list. */
  group?: string;
  density?: Density;
  /** Id of a saved view. */
  view?: string;
  /** Whether deleted records are shown. */
  deleted?: boolean;
}

/** Takes what is known of an address. */
export function listSearch(search: Readonly<Record<string, unknown>>): ListSearch {
  const text = (name: keyof ListSearch) => {
    const value = search[name];
    return typeof value === 'string' || typeof value === 'number' ? { [name]: String(value) } : {};
  };
  const { density, deleted } = search;
  return {
    ...text('filter'),
    ...text('sort'),
    ...text('columns'),
    ...text('group'),
    ...text('view'),
    ...(density === 'compact' || density === 'comfortable' ? { density } : {}),
    ...(deleted === true && { deleted }),
  };
}

export type ChangeSearch = (change: { [Key in keyof ListSearch]: ListSearch[Key] | undefined }) => void;

/** The state of the list on the screen, and what changes a part of it. An empty value takes the part away. */
export function useListSearch(): [ListSearch, ChangeSearch] {
  const search = listSearch(useSearch({ strict: false }));
  const navigate = useNavigate();
  const change: ChangeSearch = (part) => {
    const next = Object.entries({ ...search, ...part }).filter(([, value]) => value !== undefined && value !== '');
    void navigate({ to: '.', search: Object.fromEntries(next), replace: true });
  };
  return [search, change];
}

export function orderOf(sort: string | undefined): GridOrder | undefined {
  if (sort === undefined) return undefined;
  const isDescending = sort.startsWith('-');
  return { column: isDescending ? sort.slice(1) : sort, isDescending };
}

/** As a list takes it, such as `updateTime desc`. */
export function orderBy(sort: string | undefined): string | undefined {
  const order = orderOf(sort);
  return order && `${order.column}${order.isDescending ? ' desc' : ''}`;
}
