import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { Density } from '../../app/theme.ts';
import type { GridOrder } from '../../kit/grid/grid-row.tsx';
import { useAddress, type Collection } from '../../app/resource.ts';
import { listQuery, Problem, readQuery, type Page } from '../../contract/api.ts';
import { itemsAt, valueAt, type Json } from '../../contract/json.ts';
import { theContract, type Resource } from '../../contract/contract.ts';
import type { FilterFault } from '../../kit/filter/filter-input.tsx';
import { split } from '../../kit/filter/filter-language.ts';

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
  view?: string;
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

/** The state of the list on the screen, and what changes a part of it. */
export const useListSearch = () => useAddress(listSearch);

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

/** What the parts of a list have in common. */
export interface ListState extends Collection {
  /** Such as `Customers`, and `customer` for one of them. */
  title: string;
  singular: string;
  search: ListSearch;
  change: ReturnType<typeof useListSearch>[1];
  data: Rows;
}

/** The rows of a list, and what is known about all of them. */
export interface Rows {
  rows: readonly Json[];
  /** Parameters of the list, without the page. */
  asked: Json;
  /** Of the filter, and of the whole collection; undefined until they are counted, or where nothing counts them. */
  count: number | undefined;
  whole: number | undefined;
  fault: FilterFault | undefined;
  /** Why there are no rows; a fault of the filter leaves those that were there. */
  error: unknown;
  isLoading: boolean;
  hasMore: boolean;
  more: () => void;
}

export function useRows(resource: Resource, parents: Json, search: ListSearch): Rows {
  const { placeOf } = split(search.filter ?? '');
  const asked = askedOf(resource, parents, search);
  const { orderBy: _, ...scope } = asked;
  const read = useInfiniteQuery(listQuery(resource, asked));
  const { data, error, isPending, isPlaceholderData, hasNextPage, fetchNextPage } = read;
  const isAsked = isPending || isPlaceholderData;
  const fault = faultOf(useKeptError(error, isAsked, JSON.stringify(asked)), placeOf);
  const pages = useKept(data?.pages, resource.list + JSON.stringify(parents));
  const rows = useMemo(() => pages?.flatMap(({ items }) => items) ?? [], [pages]);
  const all = useMemo(() => () => void fetchNextPage({ cancelRefetch: false }), [fetchNextPage]);
  return {
    rows,
    asked,
    count: useCount(resource, scope, fault === undefined),
    whole: useCount(resource, parents, true),
    fault,
    error: fault ? undefined : error,
    isLoading: isPending && !fault,
    hasMore: hasNextPage,
    more: all,
  };
}

/** What a list is asked for its address: the same for its screen and for the neighbours of a record. */
export function askedOf(resource: Resource, parents: Json, search: ListSearch): Json {
  const { filter, q } = split(search.filter ?? '');
  const has = (name: string) => theContract().hasParameter(resource.list, name);
  return {
    ...parents,
    showDeleted: search.deleted === true && has('showDeleted') ? true : undefined,
    filter: filter || undefined,
    q: q || undefined,
    orderBy: has('orderBy') ? orderBy(search.sort) : undefined,
  };
}

/** The last pages that were there, so that a filter with a fault leaves the rows of the one before. */
function useKept(pages: readonly Page[] | undefined, of: string): readonly Page[] | undefined {
  const [kept, setKept] = useState({ of, pages });
  if (pages !== undefined && (kept.pages !== pages || kept.of !== of)) setKept({ of, pages });
  return pages ?? (kept.of === of ? kept.pages : undefined);
}

/** The error of a read while it is asked again: a fault of the filter does not go away for a moment. */
function useKeptError(error: unknown, isAsked: boolean, of: string): unknown {
  const [kept, setKept] = useState({ of, error });
  if (!isAsked && (kept.error !== error || kept.of !== of)) setKept({ of, error });
  return isAsked && kept.of === of ? kept.error : error;
}

export function useCount(resource: Resource, scope: Json, isWhole: boolean): number | undefined {
  const hasTotal = theContract().hasParameter(resource.list, 'total');
  const operation = hasTotal ? resource.list : resource.aggregate;
  const parameters = hasTotal ? { ...scope, pageSize: 1, total: 'EXACT' } : scope;
  const { data } = useQuery({
    ...readQuery(operation ?? resource.list, parameters, isWhole && operation !== undefined),
    retry: false,
  });
  const count = valueAt(data, hasTotal ? 'totalSize' : 'total.count');
  return typeof count === 'number' ? count : undefined;
}

/** A fault of the filter, at its place in the text: `at character 18: a value is expected`. */
export function faultOf(error: unknown, placeOf: (index: number) => number): FilterFault | undefined {
  if (!(error instanceof Problem)) return undefined;
  const fault = error.errors.find(({ pointer }) => pointer === '/filter');
  if (!fault) return undefined;
  const [, character = '1', sentence] = /^at character (\d+): (.*)$/s.exec(fault.detail) ?? [];
  // The fields that there are follow the caret already.
  const text = (sentence ?? fault.detail).replace(/; fields are [^]*$/, '');
  return {
    index: placeOf(Number(character) - 1),
    code: fault.code,
    text: text.charAt(0).toUpperCase() + text.slice(1),
  };
}

/** The definition of a custom object by its key; undefined for no key. */
export function useObject(key: string): Json | undefined {
  const { data } = useQuery({
    ...readQuery('listCustomObjects', { filter: `key = ${key}` }, key !== ''),
    staleTime: 300_000,
  });
  return itemsAt(data, 'customObjects')[0];
}
