import { configurationError } from '../connector-error.js';
import type { ApiDocument, Operation } from './api-document.js';
import type { Paging, RestConfiguration } from './rest-configuration.js';

/** Paging of a list. */
export interface PagingPlan {
  style: Paging;
  pageParameter: string | undefined;
  sizeParameter: string | undefined;
  nextPath: string | undefined;
}

/** Common names of these parameters, in lower case without separators. */
const pageNames: Record<Exclude<Paging, 'LINK'>, string[]> = {
  PAGE: ['page', 'pagenumber', 'pageno', 'paginationpage'],
  OFFSET: ['offset', 'skip', 'start', 'startindex', 'startat', 'paginationstart'],
  CURSOR: ['cursor', 'pagetoken', 'nexttoken', 'after', 'startingafter', 'continuationtoken', 'pagecursor'],
};
const sizeNames = [
  'perpage',
  'pagesize',
  'limit',
  'size',
  'top',
  'maxresults',
  'count',
  'paginationpagesize',
  'paginationlimit',
];
const nextPaths = [
  ...['next_cursor', 'nextCursor', 'next_page_token', 'nextPageToken', 'cursor', 'next', 'next_url', 'next_page'],
  ...[
    'meta.next_cursor',
    'meta.nextCursor',
    'meta.next',
    'links.next',
    '_links.next.href',
    'paging.next',
    'pagination.next',
  ],
  ...['paging.next.after', 'pagination.next_cursor', '@odata.nextLink'],
];

/** @throws ConnectorError INVALID that names the setting which the document does not determine */
export function findPaging(document: ApiDocument, configuration: RestConfiguration, list: Operation): PagingPlan {
  const { paging, pageParameter, sizeParameter, nextPath } = configuration;
  const style =
    paging ??
    (Object.keys(pageNames) as (keyof typeof pageNames)[]).find((each) => named(list, pageNames[each])) ??
    'LINK';
  const page = pageParameter ?? (style === 'LINK' ? undefined : named(list, pageNames[style]));
  if (page === undefined && (style === 'PAGE' || style === 'OFFSET')) throw missing('/pageParameter');
  const next =
    style === 'CURSOR'
      ? (nextPath ?? nextPaths.find((path) => document.schemaAt(list.response, path) !== undefined))
      : undefined;
  if (next === undefined && style === 'CURSOR') throw missing('/nextPath');
  return { style, pageParameter: page, sizeParameter: sizeParameter ?? named(list, sizeNames), nextPath: next };
}

function named({ query }: Operation, names: string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z]/g, '');
  return names.map((name) => query.find((each) => plain(each) === name)).find((found) => found !== undefined);
}

function missing(field: string) {
  const description = 'is missing: the document does not say it in words that are known';
  return configurationError(field, { reason: 'REQUIRED', description });
}
