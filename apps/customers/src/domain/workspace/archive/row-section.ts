import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { LoggedTypes } from '../../../engine/changes/log/logged-types.js';
import type { StoredValues } from '../../../engine/changes/log/stored-values.js';
import { namedRecord } from '../../../engine/fields/record-names.js';
import { sealedTextsOf } from '../../../engine/sealing/data-key.js';
import { currentSeal } from '../../../engine/sealing/seal.js';
import { validator } from '../../../engine/values/contract.js';
import { isDefinition } from '../../sla/sla-definitions.js';
import { archiveInvalid } from './archive-error.js';
import { loadKeys, sealedRows } from './sealed-rows.js';
import type { Section } from './section.js';

/** A table whose rows an archive contains as they are stored. */
export interface RowTable {
  table: string;
  /** Columns of the sort order. */
  key: string;
  /** Columns with the id of the tenant. */
  ofTenant?: readonly string[];
  /** Columns with numbers that JSON would not keep to the last digit: they are texts in the archive. */
  numbers?: readonly string[];
  /** Name of the type in the change log, whose contract the rows must satisfy. */
  logged?: string;
}

/** Rules from which erased rows, and rows of earlier releases, are exempt. */
const tolerated = new Set(['REQUIRED', 'TOO_SHORT', 'TOO_FEW_ITEMS']);

/** Tenant data that is not a record type: each row as JSON, with the names of its columns. */
export class RowSection implements Section {
  readonly name: string;
  readonly table: string;
  readonly #tenantColumns: readonly string[];

  constructor(
    private readonly types: LoggedTypes,
    private readonly source: RowTable,
  ) {
    this.table = source.table;
    this.name = `rows/${source.table}`;
    this.#tenantColumns = ['tenant_id', ...(source.ofTenant ?? [])];
  }

  get select(): string {
    const without = this.#tenantColumns.map((column) => ` - '${column}'`).join('');
    const { table, key, numbers = [] } = this.source;
    const texts = numbers.map((column) => ` || jsonb_build_object('${column}', ${column}::text)`).join('');
    return `select (to_jsonb(${table})${without}${texts})::text as line from ${table} where tenant_id = ? order by ${key}`;
  }

  async linesOf(rows: readonly object[]): Promise<string[]> {
    const lines = (rows as { line: string }[]).map(({ line }) => line);
    const seal = this.table in sealedRows ? currentSeal() : undefined;
    if (!seal) return lines;
    await loadKeys(seal, lines.flatMap(sealedTextsOf));
    return Promise.all(lines.map((line) => seal.openJson(line)));
  }

  async insert(em: EntityManager, lines: readonly string[]): Promise<{ stored: number; waiting: number }> {
    const columns = await this.#columns(em);
    const rows = lines.map((line) => this.#read(line, columns));
    const given = Object.keys(rows[0] ?? {});
    if (rows.some((row) => Object.keys(row).length !== given.length || given.some((name) => !(name in row)))) {
      throw archiveInvalid(`${this.name} has rows of different columns.`);
    }
    const stored = (await sealedRows[this.table]?.(em, rows)) ?? rows;
    const names = given.map((name) => `"${name}"`).join(', ');
    await transactionPipeline(em, [
      {
        sql: `insert into ${this.table} (${this.#tenantColumns.join(', ')}, ${names})
          select ${this.#tenantColumns.map(() => '$1::uuid').join(', ')}, ${names}
          from jsonb_populate_recordset(null::${this.table}, $2)`,
        values: [currentCaller().tenantId, JSON.stringify(stored)],
      },
    ]);
    return { stored: rows.length, waiting: 0 };
  }

  hasAll(): Promise<boolean> {
    return Promise.resolve(true);
  }

  #read(line: string, columns: ReadonlySet<string>): StoredValues {
    const row = objectOf(line);
    if (!row || Object.keys(row).some((name) => !columns.has(name))) {
      throw archiveInvalid(`${this.name} has a line that is not an exported row.`);
    }
    const fault = this.#faultOf(row);
    if (fault !== undefined) throw archiveInvalid(`${this.name}: ${fault}`);
    return row;
  }

  #faultOf(row: StoredValues): string | undefined {
    // A file is visible with its record, and its type must be safe to download.
    if (this.table === 'file') {
      const { record, record_table: table, content_type: contentType } = row;
      if (typeof record !== 'string' || namedRecord(record)?.type.table !== table) return 'a file of no record.';
      if (typeof contentType !== 'string' || /html|xml|script/i.test(contentType)) return 'a file that is a page.';
    }
    if (this.table === 'sla_definition' && !isDefinition(row['content'])) return 'a policy or a calendar that is none.';
    if (this.table === 'customer_merge' && !isUndo(row['undo'])) return 'a merge without the data that undoes it.';
    const { logged } = this.source;
    if (logged === undefined) return undefined;
    const { descriptor } = this.types.get(logged);
    try {
      const message = this.types.message(logged, row);
      const violations = validator.violations(descriptor, message);
      const violation = violations.find(({ reason }) => !tolerated.has(reason));
      return violation && `${violation.field} ${violation.description}`;
    } catch {
      return 'a value of another type than its column.';
    }
  }

  async #columns(em: EntityManager): Promise<ReadonlySet<string>> {
    const rows = await queryRows<{ name: string }>(em, {
      name: 'columns_of_table',
      sql: `select attname::text as name from pg_attribute
        where attrelid = $1::text::regclass and attnum > 0 and not attisdropped`,
      values: [this.table],
    });
    return new Set(rows.map(({ name }) => name).filter((name) => !this.#tenantColumns.includes(name)));
  }
}

function objectOf(line: string): StoredValues | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value has the contents of the customer before and after a merge. */
function isUndo(value: unknown): boolean {
  return isObject(value) && isObject(value['before']) && isObject(value['after']);
}

function isObject(value: unknown): value is StoredValues {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
