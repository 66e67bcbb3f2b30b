import { ExchangeRateSource, type ExchangeRate } from '@rapport/contracts/rapport/sales/v1/exchange_rate';
import type {
  DeleteExchangeRateRequest,
  NewExchangeRate,
} from '@rapport/contracts/rapport/sales/v1/currencies_service';
import { isIsoCurrency } from '@rapport/contracts/filters';
import { formatDecimal, parseDecimal } from '@rapport/money';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { deletedRecord, newRecord } from '../../engine/records/record-changes.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { rowReader, shownColumns, type StoredRecord } from '../../engine/records/record-rows.js';
import { insertRecords, lockRecords, updateRecords } from '../../engine/records/record-statements.js';
import { LinkedRecords } from '../../engine/records/references.js';
import { exchangeRates } from './exchange-rates.js';

/** A checked rate. */
export type Rate = Required<NewExchangeRate>;

/** What became of rates, in the order of the request. */
export interface SetRate {
  record: ExchangeRate;
  outcome: 'CREATED' | 'REPLACED' | 'UNCHANGED' | 'KEPT';
}

/** Most rates that one statement writes. */
const chunkSize = 1_000;
const noFields = new CustomFields([]);

/** @throws AppError INVALID_ARGUMENT with the violations of all rates */
export function checkedRates(rates: readonly NewExchangeRate[]): Rate[] {
  const keys = new Set<string>();
  const violations: FieldViolation[] = [];
  const checked = rates.map((given, index): Rate => {
    const refuse = (field: string, reason: ViolationCode, description: string) =>
      violations.push({ field: `batch.rates[${index}].${field}`, reason, description });
    const { baseCurrency, quoteCurrency, date } = given;
    for (const [field, code] of Object.entries({ baseCurrency, quoteCurrency })) {
      if (!isIsoCurrency(code)) refuse(field, 'CURRENCY_UNKNOWN', 'must be a currency code of ISO 4217, such as EUR');
    }
    if (baseCurrency === quoteCurrency) refuse('quoteCurrency', 'SAME_CURRENCY', 'must differ from baseCurrency');
    if (keys.has(keyOf(given))) refuse('date', 'DUPLICATE', 'must be the only one of its pair and day');
    keys.add(keyOf(given));
    const number = parseDecimal(given.rate, { integer: 12, fraction: 12 });
    if (number.units <= 0n) refuse('rate', 'OUT_OF_RANGE', 'must be more than 0');
    const source = given.source === ExchangeRateSource.UNSPECIFIED ? ExchangeRateSource.MANUAL : given.source;
    return { baseCurrency, quoteCurrency, date, rate: formatDecimal(number), source };
  });
  if (violations.length > 0) throw invalidArgument(violations);
  return checked;
}

/**
 * Sets rates of different pairs and days. Rates never change: another one replaces a rate, which is deleted. A rate of the same value is
 * left as it is, whatever its source.
 *
 * @param keepsManual whether manual rates are not replaced
 */
export async function setRates(
  transaction: StatementTransaction,
  rates: readonly Rate[],
  keepsManual = false,
): Promise<SetRate[]> {
  const stored = await lockRates(transaction, rates);
  const replaced: ExchangeRate[] = [];
  const created: ExchangeRate[] = [];
  const results = rates.map((rate): SetRate => {
    const before = stored.get(keyOf(rate));
    if (before?.rate === rate.rate) return { record: before, outcome: 'UNCHANGED' };
    if (before && keepsManual && before.source === ExchangeRateSource.MANUAL)
      return { record: before, outcome: 'KEPT' };
    const record = newRecord(exchangeRates, { ...exchangeRates.empty(), ...rate }, new LinkedRecords());
    if (before) replaced.push(deletedRecord(before));
    created.push(record);
    return { record, outcome: before ? 'REPLACED' : 'CREATED' };
  });
  for (const chunk of chunksOf(replaced)) transaction.later(updateRecords(exchangeRates, chunk, noFields));
  for (const chunk of chunksOf(created)) transaction.later(insertRecords(exchangeRates, chunk, noFields));
  return results;
}

/** Deletes a rate, which what was converted by it keeps naming. */
export async function deleteRate(
  transaction: StatementTransaction,
  { id, etag }: DeleteExchangeRateRequest,
): Promise<ExchangeRate> {
  const [row] = await transaction.rows<StoredRecord<ExchangeRate>>(lockRecords(exchangeRates, [id]));
  const rate = await liveRecord(transaction, exchangeRates, id, row?.record);
  checkEtag(etag, etagVersion(rate.etag));
  const deleted = deletedRecord(rate);
  transaction.later(updateRecords(exchangeRates, [deleted], noFields));
  return deleted;
}

/** The stored rates of these pairs and days, by `keyOf`. One call of a tenant at a time sets rates. */
async function lockRates(
  transaction: StatementTransaction,
  rates: readonly Rate[],
): Promise<ReadonlyMap<string, ExchangeRate>> {
  const { tenantId } = currentCaller();
  const wanted = rates.map(({ baseCurrency, quoteCurrency, date }) => ({ baseCurrency, quoteCurrency, date }));
  const [, rows = []] = await transaction.run(
    {
      name: 'lock_rates_of_tenant',
      sql: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
      values: [`exchange_rates ${tenantId}`],
    },
    {
      name: 'stored_exchange_rates',
      sql: `select ${shownColumns(exchangeRates)} from jsonb_to_recordset($2)
          as wanted ("baseCurrency" text, "quoteCurrency" text, date text)
        join exchange_rate on exchange_rate.tenant_id = $1 and exchange_rate.base_currency = wanted."baseCurrency"
          and exchange_rate.quote_currency = wanted."quoteCurrency" and exchange_rate.date = wanted.date
          and exchange_rate.delete_time is null`,
      values: [tenantId, JSON.stringify(wanted)],
      row: rowReader(exchangeRates),
    },
  );
  return new Map((rows as StoredRecord<ExchangeRate>[]).map(({ record }) => [keyOf(record), record]));
}

function keyOf({ baseCurrency, quoteCurrency, date }: Pick<Rate, 'baseCurrency' | 'quoteCurrency' | 'date'>): string {
  return `${baseCurrency}/${quoteCurrency}/${date}`;
}

function* chunksOf<Item>(items: readonly Item[]): Iterable<Item[]> {
  for (let start = 0; start < items.length; start += chunkSize) yield items.slice(start, start + chunkSize);
}
