import type { EntityManager } from '@mikro-orm/postgresql';
import { invalidArgument } from '@rapport/platform';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { RecordType } from '../../fields/record-type.js';
import { snakeCase } from '../../values/snake-case.js';

/** One sum of a custom field: of money one for each currency. */
export interface SumColumn {
  /** As in the request. */
  field: string;
  currencyCode: string | undefined;
  /** Exact, null when there is nothing to add up. */
  sum: string;
}

/**
 * @param customFields may be absent when `sum` is empty
 * @throws AppError INVALID_ARGUMENT SUM_INVALID that names each field that can't be added up
 */
export async function readSums(
  em: EntityManager,
  { table }: RecordType,
  sum: readonly string[],
  customFields: CustomFields | undefined,
): Promise<SumColumn[]> {
  const keys = sum.map((field) => summable(field, customFields));
  const violations = keys.flatMap((key, index) => {
    const description = 'must be custom_fields.<key> of type NUMBER, DECIMAL or MONEY';
    return key ? [] : [{ field: `sum[${index}]`, reason: 'SUM_INVALID', description }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
  const columns: SumColumn[] = [];
  for (const [index, { key, isMoney }] of keys.filter((found) => found !== undefined).entries()) {
    const field = sum[index] ?? '';
    if (!isMoney) {
      columns.push({ field, currencyCode: undefined, sum: `sum((${table}.custom_fields->>'${key}')::numeric)` });
      continue;
    }
    const value = `${table}.custom_fields->'${key}'`;
    for (const currencyCode of await currenciesOf(em, table, key)) {
      const filter = `${value}->>'currencyCode' = '${currencyCode}'`;
      columns.push({ field, currencyCode, sum: `sum((${value}->>'amount')::numeric) filter (where ${filter})` });
    }
  }
  return columns;
}

function summable(field: string, customFields: CustomFields | undefined) {
  const [first = '', key = '', ...deeper] = field.split('.');
  if (snakeCase(first) !== 'custom_fields' || deeper.length > 0) return undefined;
  switch (customFields?.get(key)?.type) {
    case 'NUMBER':
    case 'DECIMAL':
      return { key, isMoney: false };
    case 'MONEY':
      return { key, isMoney: true };
    default:
      return undefined;
  }
}

/**
 * The currencies of a field, in the order of their codes: a step along the index for each. Order values of money are
 * `EUR ` and digits, so that the next currency comes after `EUR!`.
 */
async function currenciesOf(em: EntityManager, table: string, key: string): Promise<string[]> {
  const rows = await em.execute<{ code: string }[]>(
    `with recursive currency(code) as (
       (select left(value, 3) from ${table}_order_value where field = ? order by value limit 1)
       union all
       select (select left(value, 3) from customer_order_value
               where field = ? and value > currency.code || '!' order by value limit 1)
       from currency where code is not null
     ) select code from currency where code is not null`,
    [key, key],
  );
  return rows.map(({ code }) => code);
}
