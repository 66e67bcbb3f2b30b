import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { ImportRecord } from './import-record.js';

/**
 * The records that the rows of an import have matched or created so far, and whether one of these rows set the name. In
 * a table and not in memory, since a file can have any number of rows. Its column `customer_id` has the name of an
 * earlier release; it contains ids of records of the file's type.
 */
export class MetRecords {
  private constructor(
    private readonly table: 'import_met' | 'import_met_now',
    private readonly operationId: string,
  ) {}

  /** For an operation, whose transactions share it. */
  static of(operationId: string): MetRecords {
    return new MetRecords('import_met', operationId);
  }

  /** For an import in one transaction, with which it is dropped. */
  static async temporary(em: EntityManager): Promise<MetRecords> {
    await em.execute('create temp table import_met_now (like import_met including indexes) on commit drop');
    return new MetRecords('import_met_now', uuidv7());
  }

  /** The matched ones among some records, and whether a row set their name. */
  async find(em: EntityManager, ids: string[]): Promise<Map<string, boolean>> {
    if (ids.length === 0) return new Map();
    const met = await queryRows<{ customer_id: string; named: boolean }>(em, {
      sql: `select customer_id, named from ${this.table}
        where tenant_id = $1 and operation_id = $2 and customer_id = any ($3::uuid[])`,
      values: [currentCaller().tenantId, this.operationId, ids],
    });
    return new Map(met.map(({ customer_id, named }) => [customer_id, named]));
  }

  /** Records that rows have matched or created records. */
  remember(records: ImportRecord[]): Statement {
    return {
      sql: `insert into ${this.table} (tenant_id, operation_id, customer_id, named)
        select $1, $2, customer_id, named from jsonb_to_recordset($3) as met (customer_id uuid, named boolean)
        on conflict (tenant_id, operation_id, customer_id) do update
        set named = excluded.named where ${this.table}.named <> excluded.named`,
      values: [
        currentCaller().tenantId,
        this.operationId,
        JSON.stringify(records.map(({ id, named }) => ({ customer_id: id, named }))),
      ],
    };
  }
}
