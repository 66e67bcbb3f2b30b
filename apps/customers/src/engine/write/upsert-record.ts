import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { CustomFields, type Definition } from '../fields/custom-fields.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { outputOnlyViolations, refuse, updatable } from '../records/apply-update.js';
import { ownersOf, takenError, type OwnedValue, type OwnerRow } from '../records/claim-unique-values.js';
import { fieldIn, live, sent } from '../records/record-changes.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { lockRecords } from '../records/record-statements.js';
import { LinkedRecords, linksToOthers } from '../records/references.js';
import {
  externalIdKey,
  uniqueFieldNames,
  uniquePrefix,
  uniqueValues,
  type UniqueValue,
} from '../records/unique-values.js';
import { checkNamedOwners } from '../records/scope/named-owners.js';
import { presentFields } from '../records/update-mask.js';
import { maxItems } from './record-rules.js';
import { changeRecord, createRecord, type Known } from './write-record.js';

/** Request of the standard method `upsert`. */
export interface UpsertRequest {
  requestId?: string | undefined;
  /** Number of a `ListMode`: how lists of an existing record are changed. */
  listMode: number;
}

/** The result of an upsert. */
export interface Upserted<Message> {
  record: Message;
  created: boolean;
}

/** Number of REPLACE among the list modes of the contract. */
const replaceMode = 2;

/** Most attempts to lock the owner of a value that other calls move to another record meanwhile. */
const maxAttempts = 5;

/**
 * Handles the method `upsert` of a type. The first call to claim the value creates the record; all others wait for that
 * claim to be committed, and then find its owner.
 *
 * @param valueOf the unique value of the normalized record by which it is matched
 */
export async function upsertRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  request: UpsertRequest,
  valueOf: (record: Message) => UniqueValue,
): Promise<Upserted<Message>> {
  const wanted = sent(type, request);
  refuse(type, outputOnlyViolations(type, wanted));
  // Unique values do not depend on custom fields, which the create or update checks.
  const normalised = type.definition.normalise({ ...wanted, customFields: undefined }, new CustomFields([]));
  const value = valueOf(normalised.record);
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const claim = { ...value, recordId: uuidv7() };
    const [isFirst, owner] = await claimFirst(transaction, type, claim);
    if (isFirst) {
      await checkNamedOwners(type, wanted);
      return { record: await createRecord(transaction, type, request, claim), created: true };
    }
    if (owner === undefined) continue;
    if (owner === null) throw takenError(type, [value], null, fieldIn(type));
    const { record, ...known } = await lockedOwner(transaction, type, owner, value, wanted);
    if (!record) continue;
    refuse(type, type.definition.metViolations?.(record, wanted) ?? []);
    const isReplacing = request.listMode === replaceMode;
    const changes = isReplacing ? wanted : { ...wanted, ...unitedLists(type, record, normalised) };
    const mask = presentFields(type, wanted);
    await checkNamedOwners(type, wanted, { before: record, mask });
    const updated = await changeRecord(transaction, type, updatable(type, live(type, record)), known, {
      changes,
      mask,
      fieldOf: (claimed) => fieldIn(type)(sentValue(type, claimed, normalised.record)),
    });
    return { record: updated, created: false };
  }
  throw concurrentWrite();
}

function concurrentWrite(): AppError {
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'The write conflicts with another one. Try again.', {
    retryAfterSeconds: 1,
  });
}

/** @throws AppError INVALID_ARGUMENT for a record that lacks the value to match */
export function required(value: UniqueValue | undefined, field: string, description: string): UniqueValue {
  if (value) return value;
  throw invalidArgument([{ field, reason: 'REQUIRED', description }]);
}

/**
 * The value to match, for a type with unique values of one kind.
 *
 * @param system of external ids
 * @throws AppError INVALID_ARGUMENT for a record without one
 */
export function matchedValue<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  system: string,
): UniqueValue {
  const [field = ''] = uniqueFieldNames(type);
  if (field === 'externalIds') return externalIdOf(type, record, system);
  return required(uniqueValues(type, record)[0], `${type.singular}.${field}`, 'is required');
}

/** The external id of a record in a system. @throws AppError INVALID_ARGUMENT for a record without one */
export function externalIdOf<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  system: string,
): UniqueValue {
  const prefix = uniquePrefix(type, record) + externalIdKey(system, '');
  const id = uniqueValues(type, record).find((key) => key.type === 'EXTERNAL_ID' && key.value.startsWith(prefix));
  return required(id, `${type.singular}.externalIds`, `must have an external id of the system ${system}`);
}

/**
 * Claims the value for a record that does not exist yet: the foreign key is checked at the end of the transaction.
 * Waits for a running transaction that claims the same value. False when the value has an owner; that row is not
 * locked, since a delete locks the record first and its values then.
 *
 * @returns whether it was claimed, and the id of the owner, null when it is hidden from the caller
 */
async function claimFirst(
  transaction: StatementTransaction,
  type: RecordType,
  { type: key, value, plainValue, recordId, path }: OwnedValue,
): Promise<[claimed: boolean, owner: string | null | undefined]> {
  const { table } = type;
  const [, claimed = [], owners = []] = await transaction.run(
    { name: `defer_${table}_key`, sql: `set constraints ${table}_key_${table} deferred` },
    {
      name: `claim_first_${table}_key`,
      sql: `insert into ${table}_key (tenant_id, type, value, ${table}_id) values ($1, $2, $3, $4)
        on conflict (tenant_id, type, value) do nothing returning ${table}_id`,
      values: [currentCaller().tenantId, key, value, recordId],
    },
    // A separate statement: it sees what the transaction that we waited for has committed.
    ownersOf(type, [{ type: key, value, plainValue, path }]),
  );
  const isFirst = claimed.length > 0;
  const owner = (owners as OwnerRow[]).find(({ stored }) => !isFirst || stored !== value)?.record_id;
  // A record that is not encrypted yet has the plain value, which does not prevent others from claiming it.
  if (isFirst && owner !== undefined) throw concurrentWrite();
  return [isFirst, owner];
}

/** The record with the value, locked; undefined when the value was released or moved meanwhile. */
async function lockedOwner<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  owner: string,
  value: UniqueValue,
  wanted: Message,
): Promise<Known & { record: Message | undefined }> {
  const linked = new LinkedRecords();
  const others = linked.statements(linksToOthers(type, wanted), { type, ids: [owner] });
  const results = await transaction.run(
    ...others,
    lockRecords(type, [owner]),
    ownersOf(type, [value]),
    ...CustomFields.statements(type),
  );
  const [locked = [], owners = [], definitions = []] = results.slice(others.length);
  linked.add(results.slice(0, others.length));
  const isOwner = (owners as OwnerRow[])[0]?.record_id === owner;
  const [record] = isOwner ? await openStored(type, locked as unknown as StoredRecord<Message>[]) : [];
  return { record, linked, customFields: new CustomFields(definitions as Definition[]) };
}

/**
 * Combines the lists of the matched record with those of the request.
 *
 * @throws AppError INVALID_ARGUMENT for invalid items, and TOO_MANY_ITEMS
 * @throws AppError ALREADY_EXISTS EXTERNAL_ID_DIFFERS
 */
function unitedLists<Message extends RecordMessage>(
  type: RecordType<Message>,
  owner: Message,
  { record, violations }: { record: Message; violations: FieldViolation[] },
): Partial<Message> {
  const { lists } = type.definition;
  // By their positions in the request, not in the result.
  refuse(
    type,
    violations.filter(({ field }) => lists.fields.some((list) => field.startsWith(`${list}[`))),
  );
  checkExternalIds(type, owner, record);
  const united = lists.unite(owner, record);
  const limits = maxItems(type);
  const lengthOf = (of: object, list: string) => ((of as Values)[list] as unknown[]).length;
  const tooLong = lists.fields.filter(
    (list) => lengthOf(united, list) > Math.max(limits[list] ?? 0, lengthOf(owner, list)),
  );
  refuse(
    type,
    tooLong.map((list) => ({
      field: list,
      reason: 'TOO_MANY_ITEMS',
      description: `must leave the ${type.singular} with at most ${limits[list]} items: it has ${lengthOf(owner, list)}`,
    })),
  );
  return united;
}

type Values = Record<string, unknown>;

interface ExternalIds {
  externalIds?: readonly { system: string; value: string }[];
}

/** A record with another id in the same system may be another one: neither id may be lost silently. */
function checkExternalIds({ singular }: RecordType, owner: RecordMessage, wanted: RecordMessage): void {
  const { externalIds = [] } = owner as ExternalIds;
  const violations = ((wanted as ExternalIds).externalIds ?? []).flatMap(
    ({ system, value }, index): FieldViolation[] => {
      const stored = externalIds.find((id) => id.system === system);
      if (!stored || stored.value === value) return [];
      const description = `must be the id that the ${singular} has in the system ${system}, unless listMode is REPLACE`;
      return [{ field: `${singular}.externalIds[${index}].value`, reason: 'EXTERNAL_ID_DIFFERS', description }];
    },
  );
  if (violations.length === 0) return;
  const message = `The matched ${singular} has another id in the same system.`;
  const metadata = { [`${singular}Id`]: owner.id };
  throw new AppError('ALREADY_EXISTS', 'EXTERNAL_ID_DIFFERS', message, { violations, metadata });
}

/** A unique value by its position in the request. */
function sentValue<Message extends RecordMessage>(
  type: RecordType<Message>,
  claimed: UniqueValue,
  wanted: Message,
): UniqueValue {
  const isSame = ({ type: key, value }: UniqueValue) => key === claimed.type && value === claimed.value;
  return uniqueValues(type, wanted).find(isSame) ?? claimed;
}
