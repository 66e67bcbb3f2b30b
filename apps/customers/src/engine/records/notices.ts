import { etagVersion, type TransactionStatement } from '@rapport/persistence';
import { callContext, currentCaller, ownerIdOf } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { Notice, RecordChange, RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { isDeniedOwner } from './scope/known-owners.js';

/** Newest notifications of a recipient that are kept, and for how many days. */
export const kept = { count: 1_000, days: 90 };

/** Users that a record mentions at most. */
const maxMentions = 50;

/** Origins of calls that write many records at once, often old ones. Their records do not notify. */
const silentOrigins: readonly unknown[] = ['import', 'undo'];

/** What the changes of records tell users: their new owners, users of the workspace whom texts mention, and what the type adds. */
export function noticesOf<Message extends RecordMessage>(
  type: RecordType<Message>,
  changes: readonly RecordChange<Message>[],
): Notice[] {
  if (silentOrigins.includes(callContext.getStore()?.cause?.origin)) return [];
  const { definition } = type;
  const { openStatuses, mentionsIn = [] } = definition;
  return changes
    .filter(({ after }) => after.deleteTime === undefined)
    .flatMap((change) => [
      ...(openStatuses ? assigned(type, change) : []),
      ...mentionsIn.flatMap((field) => mentioned(type, change, field)),
      ...(definition.notices?.(change) ?? []),
    ]);
}

function assigned({ singular }: RecordType, { before, after }: RecordChange<RecordMessage>): Notice[] {
  const { id, ownerId } = after;
  if (ownerId === undefined || ownerId === before?.ownerId) return [];
  const version = etagVersion(after.etag);
  const cause = `${singular}/${id}@${version}`;
  return [{ kind: 'ASSIGNED', userId: ownerId, cause, recordType: singular, recordId: id, version }];
}

const mention = /@\[([^\]\n]{1,200})\]\(users\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\)/g;

/** The users that a text mentions by `@[Name](users/ID)`. */
export function mentionedIn(text: string): string[] {
  return [...new Set([...text.matchAll(mention)].map(([, , id = '']) => id))].slice(0, maxMentions);
}

/** A text for people: `@Name` in place of each mention. */
export function withoutMentions(text: string): string {
  return text.replace(mention, '@$1');
}

function mentioned({ singular }: RecordType, { before, after }: RecordChange<RecordMessage>, field: string): Notice[] {
  const textOf = (record: RecordMessage | undefined) => ((record ?? {}) as Record<string, string | undefined>)[field];
  const text = textOf(after);
  if (text === undefined || text === textOf(before)) return [];
  const { id } = after;
  const record = { cause: `${singular}/${id}`, recordType: singular, recordId: id, version: etagVersion(after.etag) };
  return mentionedIn(text).map((userId) => ({ kind: 'MENTIONED', userId, ...record }));
}

/** The statements that notify, except of what the recipient does. A recipient that does not exist is none. */
export function noticeStatements(notices: readonly Notice[]): TransactionStatement[] {
  const { tenantId, principalId } = currentCaller();
  const self = ownerIdOf(principalId);
  return statementsFor(
    tenantId,
    principalId,
    notices.filter(({ userId: id }) => id !== self && !isDeniedOwner({ kind: 'PRINCIPAL', id })),
  );
}

/** The statements that notify of what the platform does. @param actor a principal */
export function statementsFor(tenantId: string, actor: string, notices: readonly Notice[]): TransactionStatement[] {
  if (notices.length === 0) return [];
  const rows = notices.map(({ kind, userId, cause, recordType, recordId, version, time }, number) => ({
    ...{ number, id: uuidv7(), user_id: userId, kind, cause, time, actor },
    ...{ record_type: recordType, record_id: recordId, record_version: version },
  }));
  const userIds = [...new Set(notices.map(({ userId }) => userId))];
  return [
    { name: 'notify', sql: notify, values: [tenantId, JSON.stringify(rows)] },
    { name: 'remove_old_notifications', sql: removeOld, values: [tenantId, userIds, 10 + notices.length] },
  ];
}

/**
 * The row of the inbox is locked until the commit, so that who has seen a position has seen all before it. Recipients
 * in the order of their ids, so that no two writes wait for each other.
 */
const notify = `
  with wanted as (
    select distinct on (user_id, kind, cause) w.*
    from jsonb_to_recordset($2::jsonb) as w (number int, id uuid, user_id uuid, kind text, cause text, time timestamptz,
      record_type text, record_id uuid, record_version int, actor text)
    where not exists (select from notification_inbox inbox
        where inbox.tenant_id = $1 and inbox.user_id = w.user_id and w.kind = any (inbox.muted_kinds))
      and not exists (select from notification n
        where n.tenant_id = $1 and n.user_id = w.user_id and n.kind = w.kind and n.cause = w.cause)
    order by user_id, kind, cause, number
  ), inbox as (
    insert into notification_inbox (tenant_id, user_id, last_position)
    select $1, user_id, count(*) from wanted group by user_id order by user_id
    on conflict (tenant_id, user_id)
    do update set last_position = notification_inbox.last_position + excluded.last_position
    returning user_id, last_position
  )
  insert into notification
    (tenant_id, id, user_id, position, kind, cause, time, record_type, record_id, record_version, actor)
  select $1, id, user_id, last_position + 1 - row_number() over (partition by user_id order by number desc), kind, cause,
    coalesce(time, clock_timestamp()), record_type, record_id, record_version, actor
  from wanted join inbox using (user_id)
  on conflict (tenant_id, user_id, kind, cause) do nothing`;

const removeOld = `
  delete from notification where tenant_id = $1 and id in (
    select old.id from notification_inbox inbox cross join lateral (
      select id, position, time from notification
      where tenant_id = $1 and user_id = inbox.user_id order by position limit $3) old
    where inbox.tenant_id = $1 and inbox.user_id = any ($2::uuid[])
      and (old.position <= inbox.last_position - ${kept.count} or old.time < now() - interval '${kept.days} days'))`;
