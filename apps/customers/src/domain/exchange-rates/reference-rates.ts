import { ExchangeRateSource } from '@rapport/contracts/rapport/sales/v1/exchange_rate';
import { isCalendarDate, isIsoCurrency } from '@rapport/contracts/filters';
import { formatDecimal, MoneyError, parseDecimal } from '@rapport/money';
import { cutText, invalidArgument } from '@rapport/platform';
import type { Rate } from './set-rates.js';

interface Wanted {
  since?: string | undefined;
  /** All when empty. */
  currencies: readonly string[];
}

const months = 'January February March April May June July August September October November December'.split(' ');
const maxRates = 20_000;

/**
 * The rates of a reference file of the European Central Bank. The history has currencies that no longer exist: those that ISO 4217 does
 * not have are skipped, like days without a rate of a currency.
 *
 * @see https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates
 * @param text eurofxref-daily, eurofxref-hist-90d or eurofxref-hist, as XML or CSV
 * @throws AppError INVALID_ARGUMENT BAD_FORMAT, or TOO_MANY_RATES
 */
export function referenceRates(text: string, wanted: Wanted): Rate[] {
  const isXml = text.trimStart().startsWith('<');
  const rates: Rate[] = [];
  const keys = new Set<string>();
  for (const { date, currency, rate, place } of isXml ? xmlRates(text) : csvRates(text)) {
    if (rate === 'N/A' || rate === '' || date < (wanted.since ?? '')) continue;
    if (wanted.currencies.length > 0 && !wanted.currencies.includes(currency)) continue;
    if (!isIsoCurrency(currency) || currency === 'EUR') continue;
    if (keys.has(`${currency} ${date}`)) throw badFormat(place, 'has a second rate of its currency and day');
    keys.add(`${currency} ${date}`);
    if (keys.size > maxRates) throw tooMany();
    const source = ExchangeRateSource.ECB;
    rates.push({ baseCurrency: 'EUR', quoteCurrency: currency, date, rate: positive(rate, place), source });
  }
  return rates;
}

interface FoundRate {
  date: string;
  currency: string;
  rate: string;
  /** Where it is, for errors. */
  place: string;
}

/** `<Cube time="2026-11-27">` with `<Cube currency="USD" rate="1.0834"/>` in it. */
function* xmlRates(text: string): Iterable<FoundRate> {
  let date: string | undefined;
  let count = 0;
  for (const [element, attributes = ''] of text.matchAll(/<Cube\b([^<>]*)>/g)) {
    count += 1;
    const place = `element ${count}`;
    const time = attribute(attributes, 'time');
    if (time !== undefined) date = checkedDate(time, place);
    const [currency, rate] = [attribute(attributes, 'currency'), attribute(attributes, 'rate')];
    if (currency === undefined && rate === undefined) continue;
    if (currency === undefined || rate === undefined || date === undefined) {
      throw badFormat(place, `has no time, currency or rate: ${cutText(element, 80)}`);
    }
    yield { date, currency, rate, place };
  }
  if (date === undefined) throw badFormat('the file', 'has no element Cube with a time');
}

function attribute(attributes: string, name: string): string | undefined {
  const found = new RegExp(`\\b${name}=(?:"([^"]*)"|'([^']*)')`).exec(attributes);
  return found?.[1] ?? found?.[2];
}

/** A column for each currency, and a row for each day. */
function* csvRates(text: string): Iterable<FoundRate> {
  const [header = '', ...lines] = text.split(/\r?\n/);
  const [first, ...currencies] = cellsOf(header.replace(/^\uFEFF/, ''));
  if (first !== 'Date') throw badFormat('line 1', 'must begin with the column Date');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const place = `line ${index + 2}`;
    const [day = '', ...rates] = cellsOf(line);
    const date = checkedDate(day, place);
    for (const [column, currency] of currencies.entries()) {
      if (currency !== '') yield { date, currency, rate: rates[column] ?? '', place };
    }
  }
}

function cellsOf(line: string): string[] {
  return line.split(',').map((cell) => cell.trim());
}

/** @param text such as "2026-11-27", or "27 November 2026" as the daily file has it */
function checkedDate(text: string, place: string): string {
  const [day = '', month = '', year = ''] = text.split(' ');
  const number = months.indexOf(month) + 1;
  const date = number > 0 ? `${year}-${String(number).padStart(2, '0')}-${day.padStart(2, '0')}` : text;
  if (!isCalendarDate(date)) throw badFormat(place, `has no day such as 2026-11-27: ${cutText(text, 40)}`);
  return date;
}

function positive(text: string, place: string): string {
  try {
    const number = parseDecimal(text, { integer: 12, fraction: 12 });
    if (number.units > 0n) return formatDecimal(number);
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
  }
  throw badFormat(place, `has a rate that is no number greater than 0: ${cutText(text, 40)}`);
}

function badFormat(place: string, description: string) {
  return invalidArgument([{ field: 'file', reason: 'BAD_FORMAT', description: `${place} ${description}` }]);
}

function tooMany() {
  const description = `must have at most ${maxRates} rates: set since to a later day, or name the currencies`;
  return invalidArgument([{ field: 'file', reason: 'TOO_MANY_RATES', description }]);
}
