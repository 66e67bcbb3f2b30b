import { AmountMode, DealStatus } from '@rapport/contracts/rapport/sales/v1/deal';
import { LineItem, TaxCategory, TaxMode } from '@rapport/contracts/rapport/sales/v1/line_item';
import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { PricedTenant } from './priced-tenant.js';
import { pythonAnswers } from './python-answers.js';
import { sharedCustomers } from './running-customers.js';
import { deal, SalesTenant, stage } from './sales-tenant.js';

const size = {
  conversions: sizeOf('ARITHMETIC_CONVERSIONS', { short: 2_000, long: 100_000 }),
  deals: sizeOf('ARITHMETIC_DEALS', { short: 60, long: 3_000 }),
};
const timeoutMs = isSoak ? soakTimeoutMs : 60_000;

const service = await sharedCustomers();
const random = new SeedRandom(printedSeed('deal-arithmetic'));
const places = { EUR: 2, USD: 2, JPY: 0, KWD: 3, TND: 3 } as const;
const currencies = Object.keys(places) as (keyof typeof places)[];

interface Rate {
  baseCurrency: string;
  quoteCurrency: string;
  rate: string;
}

interface Question {
  kind: 'document' | 'conversion' | 'weighted';
  given: object;
}

/** The answers of the oracle of @rapport/money, which computes with rational numbers. */
function oracle<Answer>(questions: readonly Question[]): Answer[] {
  return pythonAnswers('../../../libs/money/test/oracle.py', questions);
}

async function asSuperuser<Result>(work: (superuser: pg.Client) => Promise<Result>): Promise<Result> {
  const superuser = await service.connectAsSuperuser();
  try {
    return await work(superuser);
  } finally {
    await superuser.end();
  }
}

/** @returns a decimal text with at most so many digits before the point, and places after it */
function decimal(digits: number, decimals: number): string {
  const whole = String(random.below(10 ** (1 + random.below(digits))));
  return decimals === 0 ? whole : `${whole}.${String(random.below(10 ** decimals)).padStart(decimals, '0')}`;
}

const rateOf = () => `${random.below(200)}.${1 + random.below(999_999)}`;

test(
  'amounts that SQL converts are those of the oracle, to the minor unit of each currency',
  async () => {
    const given = Array.from({ length: size.conversions }, () => {
      const path = [random.pick(currencies)];
      for (let hop = 1 + random.below(2); hop > 0; hop -= 1) {
        path.push(random.pick(currencies.filter((each) => each !== path.at(-1))));
      }
      const rates = path.slice(1).map((to, index): Rate => {
        const [baseCurrency = '', quoteCurrency = ''] = random.chance(0.5) ? [path[index], to] : [to, path[index]];
        return { baseCurrency, quoteCurrency, rate: rateOf() };
      });
      const amount = `${random.chance(0.2) ? '-' : ''}${decimal(9, random.below(10))}`;
      return { currency: path[0] ?? '', amount, to: path.at(-1) ?? '', rates };
    });
    const expected = oracle<{ amount: string }>(given.map((each) => ({ kind: 'conversion', given: each })));

    const { rows } = await asSuperuser((superuser) =>
      superuser.query<{ amount: string }>(
        `select converted_amount(jsonb_build_object('currencyCode', item -> 'currency', 'amount', item -> 'amount'), item ->> 'to',
             item -> 'rates')::text as amount
           from jsonb_array_elements($1::jsonb) with ordinality asked (item, place) order by place`,
        [JSON.stringify(given)],
      ),
    );

    const different = given.flatMap((each, index) =>
      rows[index]?.amount === expected[index]?.amount ? [] : { each, sql: rows[index], oracle: expected[index] },
    );
    expect(different).toEqual([]);
    printTally('conversions', { compared: rows.length });
  },
  timeoutMs,
);

/** A stored deal, with what SQL computes of it. */
interface Stored {
  title: string;
  status: keyof typeof DealStatus;
  amount: { currencyCode: string; amount: string };
  probability: number;
  weighted: string;
  value: string | null;
  kept: string | null;
  rates: Rate[] | null;
  sums: Record<'subtotal' | 'discount' | 'net' | 'tax' | 'gross', string>;
  totals: Record<'subtotal' | 'discount' | 'net' | 'tax' | 'gross', string>;
}

const codes = ['', 'S', 'Z', 'E', 'AE', 'K', 'G', 'O', 'L', 'M'];

function line(decimals: number): LineItem {
  const [percent, amount] = random.chance(0.5) ? [decimal(1, 4), undefined] : [undefined, decimal(1, decimals)];
  const category = random.pick([
    TaxCategory.STANDARD,
    TaxCategory.STANDARD,
    TaxCategory.ZERO_RATED,
    TaxCategory.EXPORT,
  ]);
  const mode = random.pick([TaxMode.EXCLUSIVE, TaxMode.INCLUSIVE]);
  const rate = category === TaxCategory.STANDARD ? random.pick(['19', '7', '5.5', '20']) : '0';
  return {
    ...LineItem.decode(new Uint8Array()),
    ...{
      description: 'A seat',
      quantity: decimal(3, random.pick([0, 0, 3])),
      unitPrice: decimal(5, random.pick([2, 6])),
    },
    // Always less than the line: a discount that is more is refused.
    discount: random.chance(0.3) && percent !== undefined ? { percent, amount } : undefined,
    tax: random.chance(0.8) ? { mode, category, rate } : undefined,
  };
}

/** The question about the lines of a deal. */
function documentOf(currency: string, lines: readonly LineItem[]): Question {
  const asked = lines.map(({ quantity, unitPrice, discount, tax }) => ({
    ...{ quantity, unitPrice, ...(discount && { discount: { percent: discount.percent } }) },
    ...(tax && {
      tax: { mode: TaxMode[tax.mode].replace('TAX_MODE_', ''), category: codes[tax.category], rate: tax.rate },
    }),
  }));
  return { kind: 'document', given: { currency, lines: asked } };
}

/** Creates deals with lines in batches. @returns the lines by the title of the deal */
async function createDeals({ id: pipelineId }: Pipeline, tenant: SalesTenant): Promise<Map<string, LineItem[]>> {
  const made = new Map<string, LineItem[]>();
  while (made.size < size.deals) {
    const items = Array.from({ length: Math.min(100, size.deals - made.size) }, (_, index) => {
      const title = String(made.size + index);
      const lineCurrency = random.pick(currencies);
      const lineItems = Array.from({ length: 1 + random.below(5) }, () => line(places[lineCurrency]));
      const probability = random.chance(0.7) ? random.below(101) : undefined;
      const content = { title, lineItems, lineCurrency, probability, amountMode: AmountMode.LINES };
      return { deal: deal({ ...content, pipelineId, stage: random.pick(['open', 'open', 'won', 'lost']) }) };
    });
    await tenant.service.call('batchCreateDeals', { batch: { items, mode: 1 } }, tenant.caller);
    for (const { deal: each } of items) made.set(each.title, each.lineItems);
  }
  return made;
}

/** The deals as they are stored, with the values and sums that SQL computes. */
function storedDeals({ caller }: SalesTenant, target: string): Promise<Stored[]> {
  const sum = (figure: string) => `sum((line ->> '${figure}')::numeric)::text`;
  return asSuperuser(async (superuser) => {
    const { rows } = await superuser.query<Stored>(
      `select title, status, amount, effective_probability as probability, weighted_amount ->> 'amount' as weighted,
         deal_value(tenant_id, status, amount, close_time, base_amount, $2, $3)::text as value, base_amount ->> 'amount' as kept,
         case when status = 'OPEN' then conversion_rates(tenant_id, amount ->> 'currencyCode', $2, $3) else base_rates end as rates,
         line_totals as totals,
         (select jsonb_build_object('subtotal', ${sum('amount')}, 'discount', ${sum('documentDiscount')}, 'net', ${sum('net')},
           'tax', ${sum('taxAmount')}, 'gross', ${sum('gross')}) from jsonb_array_elements(line_items) line) as sums
       from deal where tenant_id = $1`,
      [caller.tenantId, target, new Date().toISOString().slice(0, 10)],
    );
    return rows;
  });
}

test(
  'values, weighted amounts and totals of lines that are stored by SQL are those of the oracle',
  async () => {
    const tenant = new SalesTenant(service);
    const kinds = { open: StageKind.OPEN, won: StageKind.WON, lost: StageKind.LOST };
    const stages = Object.entries(kinds).map(([key, kind]) => ({ ...stage(key, kind), probability: 35 }));
    const pipeline = await tenant.createPipeline({ stages });
    // TND has no rate: its deals have no value.
    const priced = new PricedTenant(service, tenant.caller);
    for (const code of ['USD', 'JPY', 'KWD']) await priced.setRate(`EUR/${code}`, `1${rateOf()}`);
    const lines = await createDeals(pipeline, tenant);

    const stored = await storedDeals(tenant, 'USD');

    const asked = stored.flatMap(
      ({ title, amount: { currencyCode: currency, amount }, probability, rates }): Question[] => [
        documentOf(currency, lines.get(title) ?? []),
        { kind: 'weighted', given: { currency, amount, probability } },
        ...(rates && currency !== 'TND'
          ? [{ kind: 'conversion' as const, given: { currency, amount, to: 'USD', rates } }]
          : []),
      ],
    );
    const answers = oracle<Record<string, string>>(asked)[Symbol.iterator]();
    const sums = { OPEN: 0n, WON: 0n, LOST: 0n } as Record<Stored['status'], bigint>;
    for (const { title, status, amount, weighted, value, kept, sums: summed, totals } of stored) {
      const hasRate = amount.currencyCode !== 'TND';
      const { subtotal, discount, net, tax, gross } = answers.next().value ?? {};
      expect([title, totals, summed]).toMatchObject([
        title,
        { subtotal, discount, net, tax, gross },
        { net, tax, gross },
      ]);
      expect([title, amount.amount, weighted]).toEqual([title, net, answers.next().value?.['amount']]);
      if (!hasRate) {
        expect([title, value]).toEqual([title, null]);
        continue;
      }
      const inBase = answers.next().value?.['amount'];
      expect([title, value, kept]).toEqual([title, inBase, status === 'OPEN' ? null : inBase]);
      sums[status] += BigInt(inBase?.replace('.', '') ?? '');
    }
    const answer = await service.call('sumDealValues', {}, tenant.caller);
    for (const each of answer.sums) {
      const status = DealStatus[each.status] as Stored['status'];
      expect([status, BigInt(each.sum.replace('.', ''))]).toEqual([status, sums[status]]);
    }
    printTally('deals', { compared: stored.length, lines: [...lines.values()].flat().length });
    expect(stored).toHaveLength(size.deals);
  },
  timeoutMs,
);
