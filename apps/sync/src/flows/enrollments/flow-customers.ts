import { FiltersUnansweredError } from '../../webhooks/events/record-filters.js';
import type { JsonObject } from '../effects/effect-port.js';
import { effectError, type Acting, type RecordCalls } from '../effects/record-calls.js';
import { stepType } from '../effects/record-methods.js';
import { enteringType } from './enter-flow.js';

/** Customers per call. The filter of a list has at most 2,000 characters, 1,000 of which are a filter of a flow. */
const pageSize = 20;

/** Longest duration of a call, in milliseconds. Other changes of the tenant wait meanwhile. */
const callMs = 2_000;

/** Customers as the publisher of a flow sees them. */
export class FlowCustomers {
  constructor(private readonly calls: RecordCalls) {}

  /**
   * The live customers of these that meet a filter, or all, by their ids.
   *
   * @returns undefined when the principal may not see customers, or the filter has become invalid
   * @throws FiltersUnansweredError when a later call may have an answer
   */
  async meeting(
    acting: Acting,
    ids: readonly string[],
    filter?: string,
  ): Promise<ReadonlyMap<string, JsonObject> | undefined> {
    const found = new Map<string, JsonObject>();
    for (let start = 0; start < ids.length; start += pageSize) {
      const page = await this.#page(acting, ids.slice(start, start + pageSize), filter);
      if (!page) return undefined;
      for (const customer of page) found.set(customer['id'] as string, customer);
    }
    return found;
  }

  async #page(
    acting: Acting,
    ids: readonly string[],
    filter: string | undefined,
  ): Promise<readonly JsonObject[] | undefined> {
    const { contract, method } = stepType(enteringType);
    const among = `(${ids.map((id) => `id = "${id}"`).join(' OR ')})`;
    const request = { filter: filter === undefined ? among : `(${filter}) AND ${among}`, pageSize };
    try {
      const answer = await this.calls.ask(method('list'), request, acting, AbortSignal.timeout(callMs));
      return (answer[contract.plural] ?? []) as readonly JsonObject[];
    } catch (error) {
      if (effectError(error).kind !== 'PASSING') return undefined;
      throw new FiltersUnansweredError('Customers does not say which ones meet the filter.', { cause: error });
    }
  }
}
