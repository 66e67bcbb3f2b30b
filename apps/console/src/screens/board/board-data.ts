import { useQuery, type InfiniteData } from '@tanstack/react-query';
import { call, Problem } from '../../contract/call.ts';
import type { Resource } from '../../contract/contract-file.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { listQuery, queryClient, readQuery, type Page } from '../../contract/queries.ts';
import type { BoardHint } from '../../hints/hints.ts';

/** What one board shows. */
export interface BoardScope {
  resource: Resource;
  hint: BoardHint;
  pipeline: Json | undefined;
  /** The reader's own condition. */
  filter: string;
}

/** Cards of a lane, those that entered it last first. */
export function laneQuery({ resource, hint, pipeline, filter }: BoardScope, lane: string) {
  const orderBy = resource.orders.includes(hint.since) ? `${hint.since} desc` : undefined;
  return listQuery(resource, {
    pageSize: 50,
    filter: conditions(hint, pipeline, filter, `${hint.lane} = ${lane}`),
    ...(orderBy !== undefined && { orderBy }),
  });
}

export interface LaneTotal {
  count: number;
  sums: { currencyCode: string; amount: string }[];
}

export function totalsQuery({ resource, hint, pipeline, filter }: BoardScope) {
  return readQuery<Json>(resource.aggregate ?? '', {
    groupBy: hint.lane,
    filter: conditions(hint, pipeline, filter),
    ...(hint.amount !== undefined && { sum: hint.amount }),
  });
}

/** Counts and sums by lane. */
export function useTotals(scope: BoardScope): ReadonlyMap<string, LaneTotal> {
  const { data } = useQuery(totalsQuery(scope));
  return new Map(
    itemsAt(data, 'groups').map((group) => [textAt(itemsAt(group, 'values')[0], 'value'), totalOf(group)]),
  );
}

export function totalOf(group: Json | undefined): LaneTotal {
  return {
    count: Number(valueAt(group, 'count') ?? 0),
    sums: itemsAt(group, 'sums').map((sum) => ({
      currencyCode: textAt(sum, 'currencyCode'),
      amount: textAt(sum, 'value'),
    })),
  };
}

/** The title of a referenced record; those asked for at the same moment are read together. */
export function useTitle(collection: string | undefined, title: string, id: string): string | undefined {
  const { data } = useQuery({
    queryKey: [collection, 'title', title, id],
    queryFn: () => readTitle(collection ?? '', title, id),
    enabled: collection !== undefined && id !== '',
    staleTime: 60_000,
  });
  return data ?? undefined;
}

const waiting = new Map<string, Map<string, ((title: string | null) => void)[]>>();

/** Null for a record that is deleted or not visible. */
function readTitle(collection: string, title: string, id: string): Promise<string | null> {
  const key = `${collection}.${title}`;
  const ids = waiting.get(key) ?? new Map<string, ((title: string | null) => void)[]>();
  if (!waiting.has(key)) {
    waiting.set(key, ids);
    setTimeout(() => {
      waiting.delete(key);
      const all = [...ids.keys()];
      for (let at = 0; at < all.length; at += 100) void readTitles(collection, title, all.slice(at, at + 100), ids);
    });
  }
  return new Promise((resolve) => ids.set(id, [...(ids.get(id) ?? []), resolve]));
}

async function readTitles(
  collection: string,
  title: string,
  ids: string[],
  resolvers: ReadonlyMap<string, ((title: string | null) => void)[]>,
): Promise<void> {
  const batchGet = `batchGet${collection.replace(/^./, (letter) => letter.toUpperCase())}`;
  const answer = await call(batchGet, { ids, readMask: `id,${title}` }).catch((error: unknown) => {
    // A card without the name of its company is better than no card.
    if (error instanceof Problem) return {};
    throw error;
  });
  const titles = new Map(itemsAt(answer, collection).map((record) => [textAt(record, 'id'), textAt(record, title)]));
  for (const id of ids) for (const resolve of resolvers.get(id) ?? []) resolve(titles.get(id) ?? null);
}

/** Names of the people of the workspace by id; empty for a caller who must not read them. */
export function usePeople(isPermitted: boolean): ReadonlyMap<string, string> {
  const { data } = useQuery({
    ...readQuery<Json>('listUsers', { pageSize: 200 }),
    enabled: isPermitted,
    staleTime: 300_000,
  });
  return new Map(
    itemsAt(data, 'users').map((user) => [textAt(user, 'id'), textAt(user, 'displayName') || textAt(user, 'email')]),
  );
}

/** Puts a card into a lane, or only takes it out of all lanes, in what is already read. */
export function placeCard(scope: BoardScope, lanes: readonly string[], card: Json, lane: string | undefined): void {
  for (const key of lanes) {
    const { queryKey } = laneQuery(scope, key);
    queryClient.setQueryData<InfiniteData<Page, string>>(queryKey, (data) => {
      if (!data) return data;
      const pages = data.pages.map((page) => ({
        ...page,
        items: page.items.filter((item) => textAt(item, 'id') !== textAt(card, 'id')),
      }));
      const [first, ...rest] = pages;
      if (key !== lane || !first) return { ...data, pages };
      return { ...data, pages: [{ ...first, items: [card, ...first.items] }, ...rest] };
    });
  }
}

function conditions(hint: BoardHint, pipeline: Json | undefined, filter: string, lane?: string): string {
  const own = filter.trim() === '' ? undefined : `(${filter})`;
  const ofPipeline = hint.pipeline === undefined ? undefined : `${hint.pipeline} = ${textAt(pipeline, 'id')}`;
  return [ofPipeline, lane, own].filter((each) => each !== undefined).join(' AND ');
}
