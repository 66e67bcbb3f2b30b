import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  SearchServiceService,
  type SearchRequest,
  type SearchResponse,
  type SearchServiceServer,
} from '@rapport/contracts/rapport/customers/v1/search_service';
import { isUnspacedLetter } from '@rapport/contracts/filters';
import { currentCaller, invalidArgument } from '@rapport/platform';
import { refuseSealed } from '../filter/refuse-sealed.js';
import { refuseSearch } from '../list/list-conditions.js';
import { findRanked } from './find-ranked.js';
import { compareMatches, resultReader } from './search-result.js';
import { searchedTypes } from './searched-types.js';

const defaultPageSize = 10;

@Controller()
@ImplementsService(SearchServiceService)
export class SearchController implements ServiceHandlers<SearchServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async search({ q, types: names, pageSize = defaultPageSize }: SearchRequest): Promise<SearchResponse> {
    refuseOneLetter(q);
    const { tenantId, permissions } = currentCaller();
    const types = await searchedTypes(this.em, names, permissions);
    for (const { type } of types) {
      refuseSearch(type, q);
      refuseSealed(type, { orderBy: '', q });
    }
    // One row beyond the page shows that there are more.
    const found = await findRanked(this.em, types, { tenantId, q, limit: pageSize + 1 });
    const results = found.flatMap(({ type, rows }) => rows.slice(0, pageSize).map(resultReader(type, q)));
    return {
      results: results.sort(compareMatches),
      types: found.map(({ type, rows }) => ({ type: type.name, hasMore: rows.length > pageSize })),
    };
  }
}

/** One letter of other scripts begins a word of most records. */
function refuseOneLetter(q: string): void {
  const text = q.trim();
  if (Array.from(text).length !== 1 || isUnspacedLetter(text)) return;
  throw invalidArgument([{ field: 'q', reason: 'TOO_SHORT', description: 'must have at least 2 characters' }]);
}
