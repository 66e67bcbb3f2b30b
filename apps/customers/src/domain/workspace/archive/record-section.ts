import type { EntityManager } from '@mikro-orm/postgresql';
import { JsonCodec } from '@rapport/contracts';
import { queryRows, transactionPipeline, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { CustomFields } from '../../../engine/fields/custom-fields.js';
import type { RecordMessage } from '../../../engine/fields/record-definition.js';
import { recordType, type RecordType } from '../../../engine/fields/record-type.js';
import { insertKeys, onePerPath, ownedValues } from '../../../engine/records/claim-unique-values.js';
import { recordOf, shownColumns } from '../../../engine/records/record-rows.js';
import { insertRows, recordRow } from '../../../engine/records/record-statements.js';
import { uniqueValues } from '../../../engine/records/unique-values.js';
import { currentSeal } from '../../../engine/sealing/seal.js';
import { openRecord, sealedTexts } from '../../../engine/sealing/sealed-messages.js';
import { validator } from '../../../engine/values/contract.js';
import { archiveInvalid } from './archive-error.js';
import { loadKeys, prepareSubjects } from './sealed-rows.js';
import type { Section } from './section.js';

/** Rules from which erased records, and records of earlier releases, are exempt. */
const tolerated = new Set(['REQUIRED', 'TOO_SHORT', 'TOO_FEW_ITEMS']);

/** Triggers that derive stored values, such as the value of a closed deal, keep those of the archive. */
const restores: Statement = {
  name: 'restore_records',
  sql: `select set_config('app.restores_records', 'on', true)`,
  values: [],
};

/** The records of a type, live and deleted, each as the method `get` returns it. */
export class RecordSection implements Section {
  readonly name: string;
  readonly table: string;
  readonly #codec: JsonCodec;

  constructor(private readonly type: RecordType) {
    this.table = type.table;
    this.name = `records/${type.singular}`;
    this.#codec = JsonCodec.of(type.message, new Map());
  }

  get select(): string {
    return `select ${shownColumns(this.type)} from ${this.table} where tenant_id = ? order by id`;
  }

  async linesOf(rows: readonly object[]): Promise<string[]> {
    const records = await this.#opened(rows);
    return records.map((record) => this.#codec.toText({ ...record }));
  }

  /** Decrypts without preparing keys to write with. */
  async #opened(rows: readonly object[]): Promise<RecordMessage[]> {
    const records = rows.map((row) => recordOf(this.type, row));
    const seal = currentSeal();
    if (!seal) return records;
    await loadKeys(
      seal,
      records.flatMap((record) => sealedTexts(this.type, record)),
    );
    return records.map((record) => openRecord(seal, this.type, record));
  }

  /**
   * Stores records whose references exist.
   *
   * @param isFirst whether no line has been stored yet
   * @param isLast whether to store records with missing references too
   * @returns how many were stored, and how many wait for their references
   */
  async insert(
    em: EntityManager,
    lines: readonly string[],
    { isFirst, isLast }: { isFirst: boolean; isLast: boolean },
  ): Promise<{ stored: number; waiting: number }> {
    const records = lines.map((line) => this.#read(line));
    const known = isFirst ? new Set<string>() : await this.#idsThere(em, records);
    const fresh = records.filter(({ id }) => !known.has(id));
    const ready = isLast ? fresh : await this.#ready(em, fresh);
    if (ready.length > 0) await this.#store(em, ready);
    return { stored: ready.length, waiting: fresh.length - ready.length };
  }

  async hasAll(em: EntityManager, lines: readonly string[]): Promise<boolean> {
    const ids = lines.map((line) => (JSON.parse(line) as { id: string }).id);
    return (await idsThere(em, this.table, ids)).size === new Set(ids).size;
  }

  /** Parses a line, and refuses anything that an export would not write. */
  #read(line: string): RecordMessage {
    const record = this.#decode(line);
    const [violation] = validator.violations(this.type.message, record).filter(({ reason }) => !tolerated.has(reason));
    if (violation) {
      throw archiveInvalid(`${this.name}: ${violation.field} of ${record.id} ${violation.description}`);
    }
    return this.type.definition.imported?.(record) ?? record;
  }

  /** Through protobuf, which drops anything that does not fit the type of its field. */
  #decode(line: string): RecordMessage {
    const method = this.type.method('get');
    try {
      const given = this.#codec.fromJson(JSON.parse(line) as Record<string, unknown>);
      const record = method.responseDeserialize(method.responseSerialize(given)) as RecordMessage;
      if (this.#codec.toText({ ...record }) === line) return record;
    } catch (cause) {
      // The parser, the codec and protobuf each throw errors of their own for malformed lines.
      throw this.#malformed(cause);
    }
    throw this.#malformed();
  }

  #malformed(cause?: unknown) {
    return archiveInvalid(`${this.name} has a line that is not an exported ${this.type.singular}.`, cause);
  }

  async #idsThere(em: EntityManager, records: readonly RecordMessage[]): Promise<Set<string>> {
    return idsThere(
      em,
      this.table,
      records.map(({ id }) => id),
    );
  }

  /** Records whose references exist or are among them. */
  async #ready(em: EntityManager, records: readonly RecordMessage[]): Promise<readonly RecordMessage[]> {
    const there = new Map<string, Set<string>>();
    const references = this.#references();
    for (const table of new Set(references.map((each) => each.table))) {
      const ids = references.filter((each) => each.table === table).flatMap(({ name }) => idsIn(records, name));
      there.set(table, await idsThere(em, table, ids));
    }
    let ready = records;
    for (let count = -1; count !== ready.length;) {
      count = ready.length;
      const own = new Set(ready.map(({ id }) => id));
      ready = ready.filter((record) =>
        references.every(({ name, table }) =>
          idsIn([record], name).every(
            (id) => there.get(table)?.has(id) === true || (table === this.table && own.has(id)),
          ),
        ),
      );
    }
    return ready;
  }

  #references(): { name: string; table: string }[] {
    return this.type.contract.fields.flatMap(({ name, reference, desc }) =>
      reference === undefined || desc.fieldKind === 'list' ? [] : [{ name, table: recordType(reference).table }],
    );
  }

  /**
   * Deleted records are stored live and then deleted, so that readers of the change log see the deletion: each before the next record,
   * which may have a value that is unique among live ones, such as the pair and day of an exchange rate.
   */
  async #store(em: EntityManager, records: readonly RecordMessage[]): Promise<void> {
    const customFields = await CustomFields.load(em, this.type);
    await prepareSubjects(
      this.name,
      records.map((record) => this.type.subjectOf(record)),
    );
    const rowOf = (record: RecordMessage) =>
      recordRow(this.type, { ...record, deleteTime: undefined, mergedIntoId: undefined }, customFields);
    const live = records.filter(({ deleteTime }) => deleteTime === undefined);
    // In a workspace of an earlier release, another record may have another spelling of the same domain.
    const keys = live.flatMap((record) => ownedValues(record.id, onePerPath(uniqueValues(this.type, record))));
    await transactionPipeline(em, [
      restores,
      ...runsOf(records).flatMap((run) => [
        insertRows(this.type, run.map(rowOf)),
        ...(run[0]?.deleteTime === undefined ? [] : [this.#delete(run)]),
      ]),
      ...(keys.length > 0 ? [insertKeys(this.type, keys)] : []),
      ...(this.type.definition.restored?.(live) ?? []),
    ]);
  }

  #delete(records: readonly RecordMessage[]) {
    const isMerged = this.type.contract.fields.some(({ column }) => column === 'merged_into_id');
    const rows = records.map(({ id, deleteTime, mergedIntoId }) => ({
      id,
      delete_time: deleteTime,
      merged_into_id: mergedIntoId,
    }));
    return {
      sql: `update ${this.table} set delete_time = gone.delete_time
          ${isMerged ? ', merged_into_id = gone.merged_into_id' : ''}
        from jsonb_to_recordset($2) as gone (id uuid, delete_time timestamptz, merged_into_id uuid)
        where ${this.table}.tenant_id = $1 and ${this.table}.id = gone.id`,
      values: [currentCaller().tenantId, JSON.stringify(rows)],
    };
  }
}

/** Live records that follow each other together, and each deleted one alone. */
function runsOf(records: readonly RecordMessage[]): RecordMessage[][] {
  const runs: RecordMessage[][] = [];
  for (const record of records) {
    const last = runs.at(-1);
    if (last && record.deleteTime === undefined && last[0]?.deleteTime === undefined) last.push(record);
    else runs.push([record]);
  }
  return runs;
}

async function idsThere(em: EntityManager, table: string, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await queryRows<{ id: string }>(em, {
    sql: `select id from ${table} where tenant_id = $1 and id = any ($2::uuid[])`,
    values: [currentCaller().tenantId, [...new Set(ids)]],
  });
  return new Set(rows.map(({ id }) => id));
}

function idsIn(records: readonly object[], name: string): string[] {
  return records.flatMap((record) => {
    const id = (record as Record<string, unknown>)[name];
    return typeof id === 'string' && id !== '' ? [id] : [];
  });
}
