import { useQuery, type InfiniteData } from '@tanstack/react-query';
import { listQuery, queryClient, readQuery, type Page } from '../../contract/api.ts';
import { isEmpty, itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { theContract, type Resource } from '../../contract/contract.ts';
import type { BoardHint } from '../../hints/hints.ts';
import { split } from '../../kit/filter/filter-language.ts';
import type { FilterFault } from '../../kit/filter/filter-input.tsx';
import { faultOf } from '../list/search.ts';

/** What one board shows. */
export interface BoardScope {
  resource: Resource;
  hint: BoardHint;
  pipeline: Json | undefined;
  /** The reader's own condition and search words, as written. */
  written: string;
  /** Operation that moves a card beside another one, where cards have an order of their own; else an update moves them. */
  verb?: string;
}

/** A card in the hand, or on its way to the server. */
export interface Move {
  card: Json;
  from: string;
  /** Column that it is over, or that it was dropped into. */
  to: string;
  /** Card beside its place there; without one, the place is the end of the column, or its begin if cards are ordered by time. */
  beside?: Beside;
  isDropped: boolean;
}

export interface Beside {
  id: string;
  position: 'before' | 'after';
}

/** Such as `moveDeal`; undefined where cards of a column are ordered by time. */
export function verbOf({ verbs, singular, orders }: Resource): string | undefined {
  const verb = `move${singular.replace(/^./, (letter) => letter.toUpperCase())}`;
  return verbs.includes(verb) && orders.includes('rank') ? verb : undefined;
}

/** Cards of a column in their own order, or those that entered it last first. */
export function columnQuery(scope: BoardScope, column: string) {
  const { resource, hint, verb } = scope;
  const byTime = resource.orders.includes(hint.since) ? `${hint.since} desc` : undefined;
  const orderBy = verb === undefined ? byTime : 'rank';
  return listQuery(resource, {
    pageSize: 50,
    ...conditions(scope, `${hint.column} = ${column}`),
    ...(orderBy !== undefined && { orderBy }),
  });
}

export interface ColumnTotal {
  count: number;
  sums: { currencyCode: string; amount: string }[];
}

function totalsQuery(scope: BoardScope) {
  const { resource, hint } = scope;
  return readQuery(resource.aggregate ?? '', {
    groupBy: hint.column,
    ...conditions(scope),
    ...(hint.amount !== undefined && { sum: hint.amount }),
  });
}

export interface Totals {
  of: ReadonlyMap<string, ColumnTotal>;
  /** False until they are read: a count is not 0 then. */
  isKnown: boolean;
  /** Of the reader's condition. */
  fault: FilterFault | undefined;
}

/** Counts and sums by column. */
export function useTotals(scope: BoardScope): Totals {
  const { data, error } = useQuery(totalsQuery(scope));
  const groups = itemsAt(data, 'groups');
  const { filter = '' } = conditions(scope);
  const { placeOf } = split(scope.written);
  const before = filter.length - split(scope.written).filter.length - 1;
  return {
    of: new Map(groups.map((group) => [textAt(itemsAt(group, 'values')[0], 'value'), totalOf(group)])),
    isKnown: data !== undefined,
    fault: faultOf(error, (index) => placeOf(Math.max(0, index - before))),
  };
}

function totalOf(group: Json | undefined): ColumnTotal {
  return {
    count: Number(valueAt(group, 'count') ?? 0),
    sums: itemsAt(group, 'sums').map((sum) => ({
      currencyCode: textAt(sum, 'currencyCode'),
      amount: textAt(sum, 'value'),
    })),
  };
}

/** A card that is drawn in another place than the server's answers have it, until its move is saved. */
export interface Placed {
  card: Json;
  column: string;
  beside: Beside | undefined;
}

/** The pages of a column, with the cards whose moves are on their way in their new places. */
export function withMoves(column: string, pages: Page[], placed: readonly Placed[], isRanked: boolean): Page[] {
  return placed.reduce((before, { card, column: to, beside }) => {
    const id = textAt(card, 'id');
    const without = before.map((page) => ({ ...page, items: page.items.filter((item) => textAt(item, 'id') !== id) }));
    return to === column ? insert(without, card, beside, isRanked) : without;
  }, pages);
}

/** Puts a card whose move is saved into what is already read. */
export function placeSaved(scope: BoardScope, columns: readonly string[], saved: Placed): void {
  for (const key of columns)
    queryClient.setQueryData<InfiniteData<Page, string>>(
      columnQuery(scope, key).queryKey,
      (data) => data && { ...data, pages: withMoves(key, data.pages, [saved], scope.verb !== undefined) },
    );
}

/** Number of the place that a held card has in the column that it is over, from 1. */
export function placeOf(scope: BoardScope, { card, to, beside }: Move): number {
  const data = queryClient.getQueryData<InfiniteData<Page, string>>(columnQuery(scope, to).queryKey);
  const ids = (data?.pages ?? []).flatMap(({ items }) => items.map((item) => textAt(item, 'id')));
  const others = ids.filter((id) => id !== textAt(card, 'id'));
  const at = beside ? others.indexOf(beside.id) : -1;
  if (beside?.id === textAt(card, 'id')) return ids.indexOf(beside.id) + 1;
  return at + (beside?.position === 'after' ? 2 : 1) + (beside ? 0 : 1);
}

/** Without a neighbor that is read, a ranked card is the last one: it is shown once that page is read. */
function insert(pages: Page[], card: Json, beside: Beside | undefined, isRanked: boolean): Page[] {
  const isRead = pages.some(({ items }) => items.some((item) => textAt(item, 'id') === beside?.id));
  const neighbor = isRead ? beside : undefined;
  return pages.map((page, index) => {
    const at = page.items.findIndex((item) => textAt(item, 'id') === neighbor?.id);
    if (neighbor && at < 0) return page;
    const isLast = index === pages.length - 1 && page.nextPageToken === '';
    if (!neighbor && (isRanked ? !isLast : index > 0)) return page;
    const end = isRanked ? page.items.length : 0;
    const place = neighbor ? at + (neighbor.position === 'after' ? 1 : 0) : end;
    return { ...page, items: page.items.toSpliced(place, 0, card) };
  });
}

function conditions({ hint, pipeline, written }: BoardScope, column?: string): { filter?: string; q?: string } {
  const { filter, q } = split(written);
  const own = filter === '' ? undefined : `(${filter})`;
  const ofPipeline = hint.pipeline === undefined ? undefined : `${hint.pipeline} = ${textAt(pipeline, 'id')}`;
  const all = [ofPipeline, column, own].filter((each) => each !== undefined).join(' AND ');
  return { ...(all !== '' && { filter: all }), ...(q !== '' && { q }) };
}

/** A column of a board. */
export interface Column {
  key: string;
  /** As written in the pipeline; for an enum it comes from the catalog. */
  name: string | undefined;
  /** In percent. */
  probability?: number;
  /** After so many days a card is late. */
  limitDays?: number;
  /** Whether cards can still move on from here. */
  isOpen: boolean;
  stage: Json | undefined;
}

/** Why a column would not take a card: fields that the card lacks, or a move that the pipeline has not. */
export interface Refusal {
  missing: readonly string[];
  /** Words of the workspace's own. */
  message?: string;
}

export function columnsOf(resource: Resource, hint: BoardHint, pipeline: Json | undefined): Column[] {
  if (hint.pipeline === undefined) {
    const type = theContract().field(resource.message, hint.column)?.of;
    return theContract()
      .enumValues(type)
      .map(({ name }) => ({ key: name, name: undefined, isOpen: true, stage: undefined }));
  }
  return itemsAt(pipeline, 'stages').map((stage) => {
    const [probability, limitDays] = [valueAt(stage, 'probability'), valueAt(stage, 'limitDays')];
    return {
      key: textAt(stage, 'key'),
      name: textAt(stage, 'name'),
      ...(typeof probability === 'number' && { probability }),
      ...(typeof limitDays === 'number' && { limitDays }),
      isOpen: textAt(stage, 'kind') === 'OPEN',
      stage,
    };
  });
}

/** What the server would refuse, as far as the pipeline says it; the server decides. */
export function refusalOf(pipeline: Json | undefined, from: Column, to: Column, card: Json): Refusal | undefined {
  if (!pipeline || from.key === to.key) return undefined;
  if (!hasTransition(pipeline, from, to)) return { missing: [] };
  const guards = [...guardsOf(from, isForLeaving), ...guardsOf(to, (guard) => !isForLeaving(guard))].map((guard) => ({
    missing: fieldsOf(guard).filter((field) => isEmpty(valueAt(card, field))),
    message: textAt(guard, 'message'),
  }));
  const unmet = guards.filter(({ missing }) => missing.length > 0);
  const [first] = unmet;
  if (!first) return undefined;
  return { missing: unmet.flatMap(({ missing }) => missing), ...(first.message !== '' && { message: first.message }) };
}

/** The guards of a column that the pipeline alone can say. */
function guardsOf({ stage }: Column, applies: (guard: Json) => boolean): Json[] {
  return itemsAt(stage, 'guards').filter((guard) => textAt(guard, 'kind') === 'FIELDS' && applies(guard));
}

function isForLeaving(guard: Json): boolean {
  return textAt(guard, 'on') === 'LEAVE';
}

function hasTransition(pipeline: Json, from: Column, to: Column): boolean {
  switch (textAt(pipeline, 'transitions')) {
    case 'NEXT_ONLY': {
      const keys = itemsAt(pipeline, 'stages').map((stage) => textAt(stage, 'key'));
      const isNext = keys.indexOf(to.key) === keys.indexOf(from.key) + 1;
      return from.isOpen && (isNext || textAt(to.stage, 'kind') === 'LOST');
    }
    case 'LISTED':
      return itemsAt(pipeline, 'transitionPairs').some(
        (pair) => textAt(pair, 'from') === from.key && textAt(pair, 'to') === to.key,
      );
    default:
      return true;
  }
}

function fieldsOf(guard: Json): string[] {
  const fields = valueAt(guard, 'fields');
  return Array.isArray(fields) ? fields.filter((field) => typeof field === 'string') : [];
}

const dayMs = 86_400_000;

/** Whole days since a moment. */
export function daysSince(moment: string): number {
  return moment === '' ? 0 : Math.max(0, Math.floor((Date.now() - Date.parse(moment)) / dayMs));
}
