import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  CalendarFeedsServiceService as Methods,
  type CalendarFeedsServiceServer,
  type CreateCalendarFeedRequest,
  type CreateCalendarFeedResponse,
  type DeleteCalendarFeedRequest,
  type ListCalendarFeedsResponse,
  type ShowCalendarFeedRequest,
} from '@rapport/contracts/rapport/work/v1/calendar_feeds_service';
import { PageTokenKey, readForTenant, type StatementTransaction } from '@rapport/persistence';
import {
  allows,
  AppError,
  checkCredentialManagement,
  currentCaller,
  ownerIdOf,
  permissionMissing,
} from '@rapport/platform';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { permissionOf } from '../../engine/fields/record-names.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { newLink } from '../links/public-links.js';
import { tasks } from '../work/tasks.js';
import { showFeed } from './show-feed.js';

/** Most feeds of an owner. */
const maxFeeds = 10;

interface FeedRow {
  id: string;
  create_time: string | Date;
}

@Controller()
@ImplementsService(Methods)
export class CalendarFeedsController implements ServiceHandlers<CalendarFeedsServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
    readonly key: PageTokenKey,
  ) {}

  createCalendarFeed(request: CreateCalendarFeedRequest): Promise<CreateCalendarFeedResponse> {
    const ownerId = ownerOfCaller();
    checkCredentialManagement();
    checkRights();
    const withoutKey = { ...request, requestId: undefined };
    return hotWriteCall(this.em, Methods.createCalendarFeed, withoutKey, async (transaction) => {
      const { tenantId } = currentCaller();
      const lock = 'select pg_advisory_xact_lock(hashtextextended($1, 0))';
      await transaction.run({ name: 'lock_feeds', sql: lock, values: [`calendar_feeds ${tenantId} ${ownerId}`] });
      const feeds = await transaction.rows<FeedRow>(feedsOf(ownerId));
      if (feeds.length >= maxFeeds)
        throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_FEEDS', `A user has at most ${maxFeeds} calendar feeds.`);
      const { id, token, store } = newLink('CALENDAR', ownerId);
      transaction.later(store);
      return { feed: { id, createTime: new Date().toISOString() }, path: `/cal/${token}.ics` };
    });
  }

  async listCalendarFeeds(): Promise<ListCalendarFeedsResponse> {
    const ownerId = ownerIdOf(currentCaller().principalId);
    const rows = ownerId === undefined ? [] : await readForTenant<FeedRow>(this.em, feedsOf(ownerId));
    return { feeds: rows.map(({ id, create_time: time }) => ({ id, createTime: new Date(time).toISOString() })) };
  }

  deleteCalendarFeed(request: DeleteCalendarFeedRequest): Promise<Empty> {
    const withoutKey = { ...request, requestId: undefined };
    return hotWriteCall(this.em, Methods.deleteCalendarFeed, withoutKey, async (transaction) => {
      await removeFeed(transaction, request.id);
      return {};
    });
  }

  showCalendarFeed({ token }: ShowCalendarFeedRequest): Promise<HttpBody> {
    return showFeed(this, token);
  }
}

function feedsOf(ownerId: string) {
  return {
    name: 'calendar_feeds_of_owner',
    sql: `select id, create_time from public_link where tenant_id = $1 and record_id = $2 and kind = 'CALENDAR'
      order by id limit 100`,
    values: [currentCaller().tenantId, ownerId],
  };
}

async function removeFeed(transaction: StatementTransaction, id: string): Promise<void> {
  const { tenantId, principalId, permissions } = currentCaller();
  const ownerId = allows(permissions, 'workspace.configure') ? null : (ownerIdOf(principalId) ?? noOwner);
  const removed = await transaction.rows({
    name: 'remove_calendar_feed',
    sql: `delete from public_link where tenant_id = $1 and id = $2 and kind = 'CALENDAR'
        and ($3::uuid is null or record_id = $3) returning id`,
    values: [tenantId, id, ownerId],
  });
  if (removed.length === 0)
    throw new AppError('NOT_FOUND', 'CALENDAR_FEED_NOT_FOUND', 'There is no such calendar feed.');
}

/** The id of nobody. */
const noOwner = '00000000-0000-0000-0000-000000000000';

/** @throws AppError PERMISSION_DENIED USER_NEEDED */
function ownerOfCaller(): string {
  const ownerId = ownerIdOf(currentCaller().principalId);
  if (ownerId !== undefined) return ownerId;
  throw new AppError('PERMISSION_DENIED', 'USER_NEEDED', 'A calendar feed is of a user or an API key.');
}

/** A feed shows what its owner sees: all values of the tasks and meetings. */
function checkRights(): void {
  const needed = permissionOf(tasks, 'read');
  if (!allows(currentCaller().permissions, needed)) throw permissionMissing(needed);
  if (isHiding())
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', 'Personal data is hidden from this caller.');
}
