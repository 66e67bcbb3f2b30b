import { Controller, type OnModuleDestroy } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import type { SubscribeRequest, SubscribeResponse } from '@rapport/contracts/rapport/api/v1/change_feed';
import {
  ChangeFeedServiceService as Methods,
  type ChangeFeedServiceServer,
  type CheckRecordFiltersRequest,
  type ListChangesRequest,
  type ListChangesResponse,
  type ListCustomerHistoryRequest,
  type ListCustomerHistoryResponse,
  type MatchChangesRequest,
  type MatchChangesResponse,
  type ReleaseFlowEffectsRequest,
  type SnapshotCustomersResponse,
  type WatchChangesRequest,
  type WatchChangesResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { PageTokenKey, releaseEffects, runStatements, tenantSession } from '@rapport/persistence';
import { AppError, callContext, currentCaller, invalidArgument, ownersSeenBy, requireSync } from '@rapport/platform';
import { untilGone } from '../../pace/watchers.js';
import { BulkWork } from '../../pace/bulk-work.js';
import { checkRequest } from '../../values/contract.js';
import { recordValue } from '../../query/record-json.js';
import { ChangeConsumers } from '../log/change-consumers.js';
import { ChangeCursors } from '../log/change-cursor.js';
import { ChangeReader } from '../log/change-reader.js';
import { ChangeTail } from '../log/change-tail.js';
import { listRecordHistory } from '../history/record-history.js';
import { LoggedTypes } from '../log/logged-types.js';
import { Sequencer } from '../log/sequencer.js';
import { ReaderSlots } from './reader-slots.js';
import { listChanges } from './list-changes.js';
import { checkFilter, filterKey, readableTypes, type ChangeFilter } from './change-filter.js';
import { matchChanges } from './match-changes.js';
import { checkRecordFilters } from './record-filters.js';
import { recordSnapshot } from './record-snapshot.js';
import { Subscription } from './subscription.js';
import { watchChanges } from './watch-changes.js';

@Controller()
@ImplementsService(Methods)
export class ChangeFeedController implements ServiceHandlers<ChangeFeedServiceServer>, OnModuleDestroy {
  readonly #stopping = new AbortController();
  readonly #consumers: ChangeConsumers;
  readonly #slots = new ReaderSlots();

  constructor(
    private readonly em: EntityManager,
    private readonly tail: ChangeTail,
    private readonly sequencer: Sequencer,
    private readonly key: PageTokenKey,
    private readonly bulk: BulkWork,
    private readonly types: LoggedTypes,
  ) {
    this.#consumers = new ChangeConsumers(em);
  }

  onModuleDestroy(): void {
    this.#stopping.abort();
  }

  async listChanges(request: ListChangesRequest): Promise<ListChangesResponse> {
    const { tenantId, ...sources } = this.#sourcesOfCaller(request);
    const leave = this.#slots.enter(tenantId);
    try {
      return await listChanges(request, { tenantId, ...sources }, callContext.getStore()?.gone);
    } finally {
      leave();
    }
  }

  watchChanges(request: WatchChangesRequest): AsyncIterable<WatchChangesResponse> {
    const { tenantId, ...sources } = this.#sourcesOfCaller(request);
    return this.#untilGone((end) => this.#inPlace(tenantId, watchChanges(request, { tenantId, ...sources }, end)));
  }

  async *snapshotCustomers(): AsyncGenerator<SnapshotCustomersResponse, void> {
    const { tenantId } = currentCaller();
    const customers = this.types.record('customer');
    const cursors = this.#cursors({ tenantId, types: [], fields: [] });
    const sources = { em: this.em, bulk: this.bulk, cursors };
    for await (const { record, cursor } of recordSnapshot(customers, sources)) {
      yield { customer: record && recordValue(customers, record), cursor };
    }
  }

  async listCustomerHistory(request: ListCustomerHistoryRequest): Promise<ListCustomerHistoryResponse> {
    // So that a caller finds its most recent change.
    await this.sequencer.caughtUp();
    return listRecordHistory(this.types, this.types.record('customer'), { em: this.em, key: this.key }, request);
  }

  subscribe(requests: AsyncIterable<SubscribeRequest>): AsyncIterable<SubscribeResponse> {
    return this.#untilGone((end) => this.#subscribe(requests, end));
  }

  async checkRecordFilters(request: CheckRecordFiltersRequest): Promise<Empty> {
    await checkRecordFilters(this.types, this.#ofTenant(request.tenantId), request);
    return {};
  }

  matchChanges(request: MatchChangesRequest): Promise<MatchChangesResponse> {
    return matchChanges(this.types, this.#ofTenant(request.tenantId), request);
  }

  async releaseFlowEffects({ tenantId, runIds }: ReleaseFlowEffectsRequest): Promise<Empty> {
    // Released effects could happen again.
    requireSync();
    await this.#ofTenant(tenantId).transactional((em) => runStatements(em, releaseEffects(tenantId, runIds)));
    return {};
  }

  async *#subscribe(
    requests: AsyncIterable<SubscribeRequest>,
    end: AbortSignal,
  ): AsyncGenerator<SubscribeResponse, void> {
    const iterator = requests[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (first.done) {
      throw invalidArgument([{ field: 'credit', reason: 'REQUIRED', description: 'a first message is required' }]);
    }
    checkRequest(Methods.subscribe.path, first.value);
    const { tenantId, types, withValues } = first.value;
    const filter = { tenantId, types, fields: [] };
    checkFilter(this.types, filter);
    const cursors = this.#cursors(filter);
    const em = this.#ofTenant(tenantId ?? '');
    const reader = new ChangeReader(em, this.tail, cursors, { ...filter, withValues });
    const sources = { types: this.types, reader, cursors, tail: this.tail, consumers: this.#consumers };
    const subscription = new Subscription(first.value, sources);
    void subscription.take(iterator);
    yield* subscription.changes(end);
  }

  #sourcesOfCaller({ types, fields }: Pick<ChangeFilter, 'types' | 'fields'>) {
    checkFilter(this.types, { types, fields });
    const caller = currentCaller();
    const { tenantId } = caller;
    // Cursors are bound to the request, not to the permissions: they stay valid when the caller's permissions change.
    const cursors = this.#cursors({ tenantId, types, fields });
    const readable = readableTypes(this.types, types, caller.permissions);
    const reader = { types: this.types, permissions: caller.permissions };
    const filter = { tenantId, types: readable, fields, reader, withValues: true };
    const owners = ownersSeenBy(caller);
    const scope = owners && { types: this.types, owners };
    const changes = new ChangeReader(this.em, this.tail, cursors, filter, scope);
    return { tenantId, types: this.types, cursors, tail: this.tail, reader: changes };
  }

  /** Not the session of the caller, which is the platform, but that of a tenant, or of none, which can read all. */
  #ofTenant(tenantId: string): EntityManager {
    return this.em.fork({ session: tenantSession(tenantId) });
  }

  #cursors(filter: ChangeFilter): ChangeCursors {
    return new ChangeCursors(this.key, filterKey(filter));
  }

  /** The messages of a stream, until its reader leaves or the process stops. */
  #untilGone<Message>(messages: (end: AbortSignal) => AsyncGenerator<Message, void>): AsyncIterable<Message> {
    return untilGone((gone) => this.#untilStopped(messages(AbortSignal.any([gone, this.#stopping.signal]))));
  }

  async *#inPlace<Message>(tenantId: string, messages: AsyncGenerator<Message, void>): AsyncGenerator<Message, void> {
    const leave = this.#slots.enter(tenantId);
    try {
      yield* messages;
    } finally {
      leave();
    }
  }

  async *#untilStopped<Message>(messages: AsyncGenerator<Message, void>): AsyncGenerator<Message, void> {
    yield* messages;
    if (!this.#stopping.signal.aborted) return;
    throw new AppError('UNAVAILABLE', 'SERVICE_STOPPING', 'The service stops. Continue from the last cursor.', {
      retryAfterSeconds: 1,
    });
  }
}
