import type {
  Conversion,
  ConversionRate,
  ConvertMoneyRequest,
  ConvertMoneyResponse,
} from '@rapport/contracts/rapport/sales/v1/currencies_service';
import type { Money } from '@rapport/contracts/rapport/api/v1/records';
import { isIsoCurrency } from '@rapport/contracts/filters';
import { convertAmount, crossRate, MoneyError } from '@rapport/money';
import { readForTenant } from '@rapport/persistence';
import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';

/** What is known about a conversion. */
interface FoundRates {
  target: string;
  /** Null if a rate is missing. */
  rates: ConversionRate[] | null;
  /** Whether there is a rate between each of the two currencies and EUR. */
  has_source: boolean;
  has_target: boolean;
}

/** Handles ConvertMoney. */
export async function convertMoney(
  em: EntityManager,
  { conversion }: ConvertMoneyRequest,
): Promise<ConvertMoneyResponse> {
  const { money, to, date = today() } = conversion ?? {};
  if (!money) throw invalidArgument([{ field: 'conversion.money', reason: 'REQUIRED', description: 'is required' }]);
  for (const [field, code] of Object.entries({
    'conversion.money.currencyCode': money.currencyCode,
    'conversion.to': to,
  })) {
    if (code === undefined || isIsoCurrency(code)) continue;
    const description = 'must be a currency code of ISO 4217, such as EUR';
    throw invalidArgument([{ field, reason: 'CURRENCY_UNKNOWN', description }]);
  }
  const found = await findRates(em, money.currencyCode, to, date);
  const { target, rates } = found;
  if (!rates) throw rateMissing(money.currencyCode, date, found);
  return { money: converted(money, target, rates), conversion: conversionOf(money.currencyCode, target, rates) };
}

/** The rates of a conversion, and their product. */
export function conversionOf(source: string, target: string, rates: ConversionRate[]): Conversion {
  return { rate: crossRate(source, target, rates), rates };
}

/** A day in UTC, in which all rates and closing times are compared. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function converted({ currencyCode: currency, amount }: Money, target: string, rates: ConversionRate[]): Money {
  try {
    return { currencyCode: target, amount: convertAmount({ currency, amount }, target, rates) };
  } catch (error) {
    if (error instanceof MoneyError) throw invalidArgument([...error.violations]);
    throw error;
  }
}

async function findRates(em: EntityManager, source: string, to: string | undefined, date: string): Promise<FoundRates> {
  const [found] = await readForTenant<FoundRates>(em, {
    name: 'conversion_rates',
    sql: `select target, conversion_rates($1, $2, target, $4) as rates,
        conversion_rates($1, $2, 'EUR', $4) is not null as has_source,
        conversion_rates($1, 'EUR', target, $4) is not null as has_target
      from (select coalesce($3, base_currency($1)) as target) wanted`,
    values: [currentCaller().tenantId, source, to ?? null, date],
  });
  if (!found) throw new Error('The statement returned no row.');
  return found;
}

/** Names the rates that would make the conversion possible through EUR. */
function rateMissing(source: string, date: string, { target, ...found }: FoundRates): AppError {
  const legs = [...(found.has_source ? [] : [`EUR/${source}`]), ...(found.has_target ? [] : [`EUR/${target}`])];
  const missing = legs.join(' ');
  const message = `There is no rate from ${source} to ${target} on ${date}. Set the rates of: ${missing}.`;
  return new AppError('FAILED_PRECONDITION', 'RATE_MISSING', message, { metadata: { missing, date } });
}
