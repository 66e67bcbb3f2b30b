import type { EntityManager } from '@mikro-orm/postgresql';
import { camelPath, snakeCase } from '@rapport/contracts';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { kindOf } from '@rapport/contracts/filters';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { RecordType } from '../../fields/record-type.js';
import { ofOneField } from './group-columns.js';

/** One sum of a field; money has one sum per currency. */
export interface SumColumn {
  /** As in the request, in lowerCamelCase. */
  field: string;
  currencyCode: string | undefined;
  /** Exact; null when there are no values. */
  sum: string;
}

/** Summable numbers or money. */
interface Summable {
  /** SQL of a number, or of the amount and the currency. */
  number: string;
  currency?: string;
  /** For money: a statement of the currencies. */
  currencies?: { sql: string; params: string[] };
}

/**
 * @param customFields may be absent when no custom field is named
 * @throws AppError INVALID_ARGUMENT SUM_INVALID that names each field that can't be summed
 */
export async function readSums(
  em: EntityManager,
  type: RecordType,
  sum: readonly string[],
  customFields: CustomFields | undefined,
): Promise<SumColumn[]> {
  const summed = sum.map((field) => summable(type, field, customFields));
  const violations = summed.flatMap((found, index) => (found ? [] : [sumError(type, sum[index], index)]));
  if (violations.length > 0) throw invalidArgument(violations);
  const columns: SumColumn[] = [];
  for (const [index, { number, currency, currencies }] of summed.filter((found) => found !== undefined).entries()) {
    const field = camelPath(sum[index] ?? '');
    if (!currencies) {
      columns.push({ field, currencyCode: undefined, sum: `sum(${number})` });
      continue;
    }
    for (const { code: currencyCode } of await em.execute<{ code: string }[]>(currencies.sql, currencies.params)) {
      columns.push({ field, currencyCode, sum: `sum(${number}) filter (where ${currency} = '${currencyCode}')` });
    }
  }
  return columns;
}

function sumError(type: RecordType, given: string | undefined, index: number): FieldViolation {
  const own = type.contract.fields.filter((field) => field.index.sum).map(({ name }) => name);
  const custom = type.contract.options.customFields ? ['customFields.<key> of type NUMBER, DECIMAL or MONEY'] : [];
  const description = `must be ${[...own, ...custom].join(', or ')}`;
  return { field: `sum[${index}]`, reason: 'SUM_INVALID', description: ofOneField(given, description) };
}

function summable(type: RecordType, path: string, customFields: CustomFields | undefined): Summable | undefined {
  const { table } = type;
  const [first = '', key, ...deeper] = path.split('.');
  if (snakeCase(first) !== 'custom_fields') return key === undefined ? builtIn(type, snakeCase(first)) : undefined;
  if (key === undefined || deeper.length > 0) return undefined;
  switch (customFields?.get(key)?.type) {
    case 'NUMBER':
    case 'DECIMAL':
      return { number: `(${table}.custom_fields->>'${key}')::numeric` };
    case 'MONEY': {
      const sql = currenciesInOrder(`${table}_order_value where field = ?`, 'value');
      return { ...moneyIn(`${table}.custom_fields->'${key}'`), currencies: { sql, params: [key, key] } };
    }
    default:
      return undefined;
  }
}

function builtIn(type: RecordType, column: string): Summable | undefined {
  const { table } = type;
  const field = type.contract.fields.find((each) => each.column === column);
  if (!field?.index.sum) return undefined;
  if (kindOf(field) !== 'MONEY') return { number: `${table}.${column}::numeric` };
  const money = moneyIn(`${table}.${column}`);
  const live = `${table} where delete_time is null and`;
  const sql =
    field.index.order === FieldOrder.UNSPECIFIED
      ? `select distinct ${money.currency} as code from ${live} ${column} is not null order by code`
      : currenciesInOrder(`${live} ${type.sortColumn(field)} is not null`, type.sortColumn(field));
  return { ...money, currencies: { sql, params: [] } };
}

function moneyIn(value: string): Required<Pick<Summable, 'number' | 'currency'>> {
  return { number: `(${value}->>'amount')::numeric`, currency: `${value}->>'currencyCode'` };
}

/**
 * The currencies of a field, in the order of their codes, by one index step each (a loose index scan). Sort keys of
 * money are `EUR ` and digits, so that the next currency follows `EUR!`. Parameters of `from` are given twice.
 *
 * @param value the sort key of the index
 */
function currenciesInOrder(from: string, value: string): string {
  return `with recursive currency(code) as (
       (select left(${value}, 3) from ${from} order by ${value} limit 1)
       union all
       select (select left(${value}, 3) from ${from} and ${value} > currency.code || '!' order by ${value} limit 1)
       from currency where code is not null
     ) select code from currency where code is not null`;
}
