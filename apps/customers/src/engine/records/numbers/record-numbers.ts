import type { EntityManager } from '@mikro-orm/postgresql';
import { runStatements, type StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';

/** The numbers of new records of a type whose definition has `numberIn`. Those of other types have none. */
export class RecordNumbers<Message extends RecordMessage> {
  private constructor(
    private readonly field: string | undefined,
    private last: number,
  ) {}

  /**
   * Takes the next numbers of the tenant. Its counter is locked until the end of the transaction, which gives them back if it fails: so
   * take them last, when all else is locked.
   *
   * @param count of records to create
   */
  static async reserve<Message extends RecordMessage>(
    source: EntityManager | StatementTransaction,
    type: RecordType<Message>,
    count: number,
  ): Promise<RecordNumbers<Message>> {
    const field = type.definition.numberIn;
    if (field === undefined || count === 0) return new RecordNumbers(undefined, 0);
    const values = [currentCaller().tenantId, type.singular, count];
    const [counted = []] = await runStatements(source, { name: 'next_record_numbers', sql: next, values });
    const [row] = counted.length > 0 ? counted : ((await runStatements(source, first(type, values)))[0] ?? []);
    return new RecordNumbers(field, (row as { last_number: number }).last_number - count);
  }

  /** The field of the next new record. */
  next(): Partial<Message> {
    if (this.field === undefined) return {};
    this.last += 1;
    return { [this.field]: this.last } as Partial<Message>;
  }
}

const next = `update record_number set last_number = last_number + $3
  where tenant_id = $1 and record_type = $2 returning last_number`;

/** The records of an imported workspace have numbers before there is a counter. */
function first({ table, contract, definition }: RecordType, values: readonly unknown[]) {
  const column = contract.fields.find(({ name }) => name === definition.numberIn)?.column;
  return {
    name: `first_${table}_numbers`,
    sql: `insert into record_number (tenant_id, record_type, last_number)
      values ($1, $2, $3 + coalesce((select max(${column}) from ${table} where tenant_id = $1), 0))
      on conflict (tenant_id, record_type) do update set last_number = record_number.last_number + $3
      returning last_number`,
    values: [...values],
  };
}
