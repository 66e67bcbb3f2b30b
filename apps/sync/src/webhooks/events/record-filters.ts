import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  ChangeFeedServiceService as Methods,
  type MatchChangesResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { AppError } from '@rapport/platform';
import { wants } from '../endpoints/event-types.js';
import type { WebhookEvent } from './webhook-event.js';

const checkMs = 5_000;

/** Timeout of filter matching. Other changes of the tenant wait meanwhile. */
const matchMs = 2_000;

/** Maximum number of changes per call of customers. */
const maxCompared = 100;

/** A filter of an endpoint for records of a type. */
export interface RecordTypeFilter {
  recordType: string;
  filter: string;
}

/** Customers could not match changes with the filters of endpoints. */
export class FiltersUnansweredError extends Error {
  override readonly name = 'FiltersUnansweredError';
}

type FilteredEndpoint = Parameters<typeof wants>[0] & { filters: readonly RecordTypeFilter[] };
type FilteredEvent = Parameters<typeof wants>[1] & Pick<WebhookEvent, 'id' | 'record_type' | 'record_id' | 'time'>;

/** Whether the filter of an endpoint for the record's type lets an event through. */
export type FilterMatches = (endpoint: FilteredEndpoint, event: FilteredEvent) => boolean;

/** Matches events with the filters of endpoints, by calls of customers, which has the records. */
export class RecordFilters {
  constructor(private readonly customers: Pick<ContractClient, 'unary'>) {}

  /**
   * @param hidesPersonalData of the endpoint with the filters
   * @throws AppError INVALID_ARGUMENT, or PERMISSION_DENIED for hidden personal data, which names the filters of the
   * endpoint
   */
  async check(tenantId: string, filters: readonly RecordTypeFilter[], hidesPersonalData: boolean): Promise<void> {
    if (filters.length === 0) return;
    const request = { tenantId, hidesPersonalData, filters: filters.map(sent) };
    try {
      await this.#call(Methods.checkRecordFilters.path, request, checkMs);
    } catch (error) {
      if (!(error instanceof AppError) || error.violations.length === 0) throw error;
      const violations = error.violations.map((violation) => ({ ...violation, field: fieldOf(violation.field) }));
      throw new AppError(error.code, error.reason, error.message, { violations, metadata: error.metadata });
    }
  }

  /**
   * Matches the events of a tenant with the filters of its endpoints, where a filter decides.
   *
   * @param most maximum number of events to match
   * @throws FiltersUnansweredError
   */
  async matches(
    tenantId: string,
    endpoints: readonly FilteredEndpoint[],
    events: readonly FilteredEvent[],
    most = maxCompared,
  ): Promise<FilterMatches> {
    const filtered = endpoints.filter(({ filters }) => filters.length > 0);
    const compared = events.filter((event) =>
      filtered.some((endpoint) => filterOf(endpoint, event) !== undefined && wants(endpoint, event)),
    );
    if (compared.length > most) throw new FiltersUnansweredError('There are too many events.');
    const types = new Set(compared.map((event) => event.record_type));
    const asked = filtered.flatMap(({ filters }) => filters).filter(({ recordType }) => types.has(recordType));
    const filters = [...new Map(asked.map((each) => [keyOf(each), each])).values()];
    const met = new Map<string, ReadonlySet<string>>();
    for (let start = 0; start < compared.length; start += maxCompared) {
      const batch = compared.slice(start, start + maxCompared);
      const answer = await this.#match(tenantId, filters, batch);
      batch.forEach(({ id }, index) => {
        const places = answer.matches[index]?.filters ?? [];
        met.set(id, new Set(places.map((place) => filters[place]?.filter ?? '')));
      });
    }
    return (endpoint, event) => {
      const filter = filterOf(endpoint, event);
      return filter === undefined || met.get(event.id)?.has(filter) === true;
    };
  }

  async #match(
    tenantId: string,
    filters: readonly RecordTypeFilter[],
    events: readonly FilteredEvent[],
  ): Promise<MatchChangesResponse> {
    const changes = events.map(({ id, record_type: type, record_id: recordId, time }) => ({
      id,
      type,
      recordId,
      time,
    }));
    const request = { tenantId, filters: filters.map(sent), changes };
    try {
      return (await this.#call(Methods.matchChanges.path, request, matchMs)) as MatchChangesResponse;
    } catch (error) {
      throw new FiltersUnansweredError('Customers does not say which changes meet the filters.', { cause: error });
    }
  }

  #call(path: string, request: object, deadlineMs: number): Promise<unknown> {
    return this.customers.unary(path, request, { context: { requestId: randomUUID() }, deadlineMs });
  }
}

function filterOf(
  { filters }: FilteredEndpoint,
  { record_type: recordType }: Pick<WebhookEvent, 'record_type'>,
): string | undefined {
  return filters.find((each) => each.recordType === recordType)?.filter;
}

function keyOf({ recordType, filter }: RecordTypeFilter): string {
  return `${recordType} ${filter}`;
}

function sent({ recordType, filter }: RecordTypeFilter): { type: string; filter: string } {
  return { type: recordType, filter };
}

function fieldOf(field: string): string {
  return `webhookEndpoint.${field.replace(/\.type$/, '.recordType')}`;
}
