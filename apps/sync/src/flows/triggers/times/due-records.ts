import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  ChangeFeedServiceService,
  type MatchChangesResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import type { TimeFieldTrigger } from '@rapport/contracts/rapport/flows/v1/flow';
import type { ActiveFlow } from '../../definitions/active-flows.js';
import type { JsonObject } from '../../effects/effect-port.js';
import { stepType } from '../../effects/record-methods.js';
import { dateClock, fieldValue, timeClock, type FieldClock } from './time-field.js';

const callMs = 3_000;
const pageSize = 100;

/** Tokens of the principals that flows act as. */
interface ActingTokens {
  of(tenantId: string, principalId: string): Promise<string>;
}

/** Records of triggers whose time comes, as the publisher of the flow sees them. */
export class DueRecords {
  constructor(
    private readonly customers: Pick<ContractClient, 'unary'>,
    private readonly tokens: ActingTokens,
  ) {}

  /** How the values of a trigger's field are due; undefined while no record has one. */
  async clockOf(flow: ActiveFlow, trigger: TimeFieldTrigger): Promise<FieldClock | undefined> {
    const { records } = await this.page(flow, trigger, `${trigger.field}:*`, undefined, 1);
    const value = records[0] && fieldValue(records[0], trigger.field);
    if (value === undefined) return undefined;
    if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return timeClock(trigger);
    return dateClock(trigger, await this.#timeZone(flow.tenantId));
  }

  /** A page of records that meet a filter, in the order of the trigger's field. */
  async page(
    { tenantId, publishedBy }: Pick<ActiveFlow, 'tenantId' | 'publishedBy'>,
    { type, field }: Pick<TimeFieldTrigger, 'type' | 'field'>,
    filter: string,
    pageToken?: string,
    size = pageSize,
  ): Promise<{ records: JsonObject[]; nextPageToken: string | undefined }> {
    const { contract, parent, method } = stepType(type);
    const { path, input, output } = method('list');
    const request = { ...parent, filter, orderBy: field, pageSize: size, ...(pageToken && { pageToken }) };
    const context = { requestId: randomUUID(), principalToken: await this.tokens.of(tenantId, publishedBy) };
    const answer = await this.customers.unary(path, input.fromJson(request), { context, deadlineMs: callMs });
    const page = output.toJson(answer as Record<string, unknown>) as Record<string, unknown>;
    const nextPageToken = page['nextPageToken'] as string | undefined;
    return { records: (page[contract.plural] ?? []) as JsonObject[], nextPageToken };
  }

  async #timeZone(tenantId: string): Promise<string> {
    const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
    const request = { tenantId, filters: [], changes: [], withRecords: false };
    const answer = await this.customers.unary(ChangeFeedServiceService.matchChanges.path, request, options);
    return (answer as MatchChangesResponse).timeZone;
  }
}
