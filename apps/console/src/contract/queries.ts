import { infiniteQueryOptions, keepPreviousData, QueryClient, type QueryFunctionContext } from '@tanstack/react-query';
import { call, Problem } from './call.ts';
import type { Resource } from './contract-file.ts';
import { isContractLoaded, theContract } from './contract.ts';
import { itemsAt, textAt, type Json } from './json.ts';

/** How often what no change of a record announces is asked again, in milliseconds. */
const ledgerMs = 5_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the request itself causes fails again.
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: false,
      refetchInterval: ({ queryKey: [collection] }) => (isLedger(collection) ? ledgerMs : false),
    },
  },
});

export interface ReadQuery<Answer> {
  queryKey: unknown[];
  queryFn: (context: QueryFunctionContext) => Promise<Answer>;
  enabled: boolean;
}

/**
 * The answer of a read. Its key begins with the collection of the operation, such as `customers`, so that a change of one of its
 * records can invalidate it.
 *
 * @param enabled whether it is asked at all
 */
export function readQuery<Answer = Json>(id: string, parameters: Json = {}, enabled = true): ReadQuery<Answer> {
  return {
    queryKey: [collectionOf(id), id, parameters],
    queryFn: ({ signal }) => call<Answer>(id, parameters, { signal }),
    enabled,
  };
}

export interface Page {
  items: Json[];
  nextPageToken: string;
  totalSize?: number;
}

/** The pages of a list, each with at most 100 items. */
export function listQuery(resource: Resource, parameters: Json = {}) {
  return infiniteQueryOptions({
    queryKey: [collectionOf(resource.list), resource.list, 'pages', parameters],
    queryFn: async ({ pageParam, signal }): Promise<Page> => {
      const isPaged = theContract()
        .operation(resource.list)
        .parameters.some(({ name }) => name === 'pageSize');
      const page = isPaged ? { pageSize: 100, pageToken: pageParam } : {};
      const answer = await call(resource.list, { ...page, ...parameters }, { signal });
      const total = answer['totalSize'];
      return {
        items: itemsAt(answer, resource.items),
        nextPageToken: textAt(answer, 'nextPageToken'),
        ...(typeof total === 'number' && { totalSize: total }),
      };
    },
    initialPageParam: '',
    getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken),
    placeholderData: keepPreviousData,
  });
}

/** The first part of the path below `/v1/`, without a verb: `customers` of `/v1/customers/{id}:merge`. */
function collectionOf(id: string): string {
  const [, collection = ''] = /^\/v1\/([^/:]+)/.exec(theContract().operation(id).path) ?? [];
  return collection;
}

/** Whether only the server writes the items of a collection, such as deliveries. The change feed does not have them. */
function isLedger(collection: unknown): boolean {
  if (typeof collection !== 'string' || !isContractLoaded()) return false;
  const resource = theContract().resource(collection);
  return resource !== undefined && !resource.isRecord && resource.update === undefined && resource.create === undefined;
}

/** Has the reads of a collection asked again. */
export function invalidate(collection: string): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: [collection] });
}
