import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  ChangeFeedServiceService as Methods,
  type MatchChangesResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { FiltersUnansweredError } from '../../webhooks/events/record-filters.js';
import { feedType, type ChangeFacts, type RecordAround } from './match-trigger.js';

/** Timeout of a call. Other changes of the tenant wait meanwhile. */
const callMs = 2_000;

/** Most changes per call, whose records are in memory on both sides. */
const maxChanges = 20;

/** A filter on the records of a type, as in triggers. */
export interface TypedFilter {
  type: string;
  filter: string;
}

/** Records before and after changes, by calls of customers. */
export class ChangedRecords {
  constructor(private readonly customers: Pick<ContractClient, 'unary'>) {}

  /**
   * The records around changes, and which of the filters they meet.
   *
   * @returns by the ids of the changes
   * @throws FiltersUnansweredError
   */
  async around(
    tenantId: string,
    changes: readonly ChangeFacts[],
    filters: readonly TypedFilter[],
  ): Promise<Map<string, RecordAround>> {
    const asked = [...new Map(filters.map((each) => [keyOf(each), each])).values()];
    const found = new Map<string, RecordAround>();
    for (let start = 0; start < changes.length; start += maxChanges) {
      const batch = changes.slice(start, start + maxChanges);
      const { matches } = await this.#match(tenantId, batch, asked);
      batch.forEach(({ id }, index) => {
        const match = matches[index];
        const textsOf = (places: readonly number[] = []) => new Set(places.map((place) => asked[place]?.filter));
        const [before, after] = [textsOf(match?.beforeFilters), textsOf(match?.afterFilters)];
        found.set(id, {
          before: match?.before,
          after: match?.after,
          meetsBefore: (filter) => before.has(filter),
          meetsAfter: (filter) => after.has(filter),
        });
      });
    }
    return found;
  }

  async #match(
    tenantId: string,
    changes: readonly ChangeFacts[],
    filters: readonly TypedFilter[],
  ): Promise<MatchChangesResponse> {
    const request = {
      tenantId,
      filters: filters.map(({ type, filter }) => ({ type: feedType(type).type, filter })),
      changes: changes.map(({ id, type, recordId, time }) => ({ id, type, recordId, time })),
      withRecords: true,
    };
    const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
    try {
      return (await this.customers.unary(Methods.matchChanges.path, request, options)) as MatchChangesResponse;
    } catch (error) {
      throw new FiltersUnansweredError('Customers does not give the records of changes.', { cause: error });
    }
  }
}

function keyOf({ type, filter }: TypedFilter): string {
  return `${type} ${filter}`;
}
