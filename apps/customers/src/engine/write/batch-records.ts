import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { assignOwners } from '../assignment/assign-owners.js';
import { CustomFields, type Definition } from '../fields/custom-fields.js';
import type { RecordChange, RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import type { Turns } from '../pace/bulk-pace.js';
import {
  claimValues,
  ownedValues,
  ownersOf,
  releaseValues,
  takenError,
  valueText,
  type OwnedValue,
  type OwnerRow,
} from '../records/claim-unique-values.js';
import { effectsOf } from '../records/effects.js';
import { fieldIn } from '../records/record-changes.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { RecordNumbers } from '../records/numbers/record-numbers.js';
import { insertRows, lockRecords, recordRow, updateRows } from '../records/record-statements.js';
import { LinkedRecords, linksToOthers, neededLinks, newLinks } from '../records/references.js';
import { UnknownOwners } from '../records/scope/named-owners.js';
import { settleChange } from '../records/settle-change.js';
import { uniqueFieldNames, uniqueValues, type UniqueValue } from '../records/unique-values.js';
import { currentSeal } from '../sealing/seal.js';

/** An item of a batch: the id of a record, values of a record in the field of its type, or both. */
type Item = Readonly<Record<string, unknown>> & { id?: string };

/** The state that the items of a batch read and change: records, the records they refer to, and the owners of unique values. */
export class BatchRecords<Message extends RecordMessage> {
  /** Records as read, by id. */
  readonly #before: ReadonlyMap<string, Message>;
  /** Current records, including new ones, by id. */
  readonly #now: Map<string, Message>;
  /** Changes made by items, in the order of the items. */
  readonly #changes: RecordChange<Message>[] = [];

  private constructor(
    private readonly transaction: StatementTransaction,
    private readonly type: RecordType<Message>,
    records: readonly Message[],
    readonly linked: LinkedRecords,
    private readonly owners: Map<string, string | null>,
    readonly customFields: CustomFields,
    readonly unknownOwners: UnknownOwners,
  ) {
    this.#before = new Map(records.map((record) => [record.id, record]));
    this.#now = new Map(this.#before);
  }

  /** Reads the records that the items name. Locks the records to change, and keeps linked records live, until the transaction ends. */
  static async load<Message extends RecordMessage>(
    transaction: StatementTransaction,
    type: RecordType<Message>,
    items: readonly object[],
  ): Promise<BatchRecords<Message>> {
    const named = items.flatMap((item) => (item as Item)[type.singular] ?? []) as Message[];
    const unknownOwners = await UnknownOwners.among(type, named);
    const linked = new LinkedRecords();
    const [records, customFields] = await loadChanged(transaction, type, { items, named, linked });
    const isLoaded = records.length > 0;
    const links = linked.statements(
      [
        ...records.flatMap((record) => neededLinks(type, record)),
        ...named.flatMap((record) => newLinks(type, record, customFields)),
      ],
      isLoaded ? undefined : { type, ids: [] },
    );
    const values = named.flatMap((record) => namedValues(type, record));
    const [owners = [], ...targets] =
      values.length + links.length > 0 ? await transaction.run(ownersOf(type, values), ...links) : [];
    return new BatchRecords(
      transaction,
      type,
      records,
      linked.add(targets),
      new Map((owners as OwnerRow[]).map((row) => [valueText(row), row.record_id])),
      customFields,
      unknownOwners,
    );
  }

  find(id: string): Message | undefined {
    return this.#now.get(id);
  }

  /** @throws AppError ALREADY_EXISTS when another record has one of the values */
  checkUnique(id: string | undefined, wanted: Message): void {
    const taken = uniqueValues(this.type, wanted).filter((value) => {
      const owner = this.owners.get(valueText(value));
      return owner !== undefined && owner !== id;
    });
    const [first] = taken;
    if (first) throw takenError(this.type, taken, this.owners.get(valueText(first)) ?? null, fieldIn(this.type));
  }

  /** Records that an item has created or changed a record, with the owner of its unique values. */
  put(record: Message): Message {
    const before = this.#now.get(record.id);
    if (record === before) return record;
    for (const value of valuesOf(this.type, before)) this.owners.delete(valueText(value));
    for (const value of valuesOf(this.type, record)) this.owners.set(valueText(value), record.id);
    this.#now.set(record.id, record);
    this.#changes.push(this.linked.change(this.type, before, record));
    return record;
  }

  /** Queues the writes for the end of the transaction. Releases all unique values before it claims any, so that items can exchange them. */
  async write(turns: Turns): Promise<void> {
    const { type, transaction } = this;
    const ids = new Set(this.#changes.map(({ after }) => after.id));
    const changed = [...ids].flatMap((id) => this.#now.get(id) ?? []);
    const isNew = ({ id }: Message) => !this.#before.has(id);
    const [created, updated] = [changed.filter(isNew), changed.filter((record) => !isNew(record))];
    const settled = await this.#settle(changed);
    const { owners, statements } = await assignOwners(transaction, type, created);
    const numbers = await RecordNumbers.reserve(transaction, type, created.length);
    // In place: the results of the items are the same objects.
    for (const record of created) {
      if (owners.has(record.id)) record.ownerId = owners.get(record.id);
      Object.assign(record, numbers.next());
    }
    const had = updated.flatMap(({ id }) => valuesOf(type, this.#before.get(id)));
    const has = changed.flatMap((record) => valuesOf(type, record));
    await currentSeal()?.prepare(changed.map((record) => type.subjectOf(record)));
    const rowsOf = (records: readonly Message[]) =>
      turns.map(records, (record) => recordRow(type, record, this.customFields));
    if (created.length > 0) transaction.later(insertRows(type, await rowsOf(created)));
    if (updated.length > 0) transaction.later(updateRows(type, await rowsOf(updated)));
    transaction.later(...releaseValues(type, difference(had, has)));
    transaction.later(...claimValues(type, difference(has, had), fieldIn(type), asLostRace));
    transaction.later(...effectsOf(type, this.#changes), ...settled, ...statements);
  }

  /** Each record once, however many items have changed it. In place: the results of the items are the same objects. */
  async #settle(changed: readonly Message[]): Promise<TransactionStatement[]> {
    if (!this.type.definition.settle) return [];
    const all: TransactionStatement[] = [];
    for (const after of changed) {
      const change = this.linked.change(this.type, this.#before.get(after.id), after);
      const { record, statements } = await settleChange(this.transaction, this.type, change);
      Object.assign(after, record);
      all.push(...statements);
    }
    return all;
  }
}

async function loadChanged<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  { items, named, linked }: { items: readonly object[]; named: Message[]; linked: LinkedRecords },
): Promise<[records: Message[], customFields: CustomFields]> {
  const ids = items.flatMap((item) => (item as Item).id ?? []);
  // New records without custom fields need no definitions.
  if (ids.length === 0 && !named.some(({ customFields }) => customFields)) return [[], new CustomFields([])];
  const others = linked.statements(
    named.flatMap((record) => linksToOthers(type, record)),
    { type, ids },
  );
  const results = await transaction.run(...others, lockRecords(type, ids), ...CustomFields.statements(type));
  linked.add(results.slice(0, others.length));
  const [rows = [], definitions = []] = results.slice(others.length);
  return [
    await openStored(type, rows as unknown as StoredRecord<Message>[]),
    new CustomFields(definitions as Definition[]),
  ];
}

/** The unique values that a record of a request has. They do not depend on its other fields. */
function namedValues<Message extends RecordMessage>(type: RecordType<Message>, record: Message): UniqueValue[] {
  const names = [...uniqueFieldNames(type)];
  const unique = Object.fromEntries(names.map((name) => [name, (record as unknown as Record<string, unknown>)[name]]));
  const normalised = type.definition.normalise({ ...type.empty(), ...unique }, new CustomFields([]));
  return uniqueValues(type, normalised.record);
}

/** A value that was free when the batch started is taken now. A retry of the batch reports the item. */
function asLostRace(error: AppError): AppError {
  if (error.code !== 'ALREADY_EXISTS') return error;
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write took a unique value meanwhile. Try again.', {
    cause: error,
    retryAfterSeconds: 1,
  });
}

/** The unique values that a record owns: none when it is deleted. */
function valuesOf<Message extends RecordMessage>(type: RecordType<Message>, record: Message | undefined): OwnedValue[] {
  return !record || record.deleteTime !== undefined ? [] : ownedValues(record.id, uniqueValues(type, record));
}

function difference(values: OwnedValue[], others: OwnedValue[]): OwnedValue[] {
  const known = new Set(others.map((value) => `${value.recordId} ${valueText(value)}`));
  return values.filter((value) => !known.has(`${value.recordId} ${valueText(value)}`));
}
