import type { CustomFieldDefinition, FilterTable } from '@rapport/contracts/filters';
import { LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import fc from 'fast-check';
import { company, person } from './running-customers.js';

const names = [
  'Ada',
  'ÁDA',
  'Zoë Straße',
  'zoe strasse',
  "O'Byron\\",
  '100%_*',
  'Łódź 😀',
  'ﬁancé',
  'Ænima Ltd',
  '北京 公司',
];
const name = fc.constantFrom(...names);
const word = fc.constantFrom('vip', 'VIP', 'new york', 'Größe', 'b2b', 'x');
const day = fc.constantFrom('1815-12-10', '2026-01-31', '2026-11-28', '2030-02-28');
const amount = fc.record({
  amount: fc.constantFrom('0', '12.50', '12.5', '-3', '100', '99999999.99'),
  currencyCode: fc.constantFrom('EUR', 'USD', 'JPY'),
});
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 2 });
const customValues = fc.record(
  {
    note: name,
    seats: fc.constantFrom(-2.5, 0, 7, 100, 1e21),
    score: fc.constantFrom('-1', '0.5', '12.50'),
    revenue: amount,
    day,
    called: fc.constantFrom('2026-01-31T09:30:00Z', '2026-01-31T09:30:00.123Z', '2030-01-01T00:00:00Z'),
    news: fc.boolean(),
    plan: fc.constantFrom('Gold', 'Silver'),
    hobbies: fc.uniqueArray(fc.constantFrom('Chess', 'Go', 'Gold'), { minLength: 1 }),
    site: fc.constantFrom('https://acme.example', 'https://ACME.example/%C3%A9'),
  },
  { requiredKeys: [] },
);

const customer = fc.record({
  isPerson: fc.boolean(),
  displayName: name,
  givenName: maybe(name),
  familyName: maybe(name),
  jobTitle: maybe(word),
  source: maybe(word),
  birthDate: maybe(fc.constantFrom('1815-12-10', '1999-02-28', '2026-01-31', '2026-11-28')),
  companyName: maybe(name),
  tags: fc.uniqueArray(word, { maxLength: 3 }),
  phone: maybe(fc.constantFrom('+49 30 901820', '+49 30 901821', '030 901820', '+1 202 456 1111', 'ext. 77')),
  addresses: fc.array(
    fc.record({
      city: maybe(name),
      state: maybe(word),
      postalCode: maybe(fc.constantFrom('10115', 'SW1Y 4JH')),
      countryCode: maybe(fc.constantFrom('DE', 'GB')),
    }),
    { maxLength: 2 },
  ),
  lifecycleStage: fc.constantFrom(LifecycleStage.UNSPECIFIED, LifecycleStage.LEAD, LifecycleStage.CUSTOMER),
  host: maybe(fc.constantFrom('acme', 'example', 'xn--p1ai')),
  customFields: maybe(customValues),
});

/** Customers of which many have equal values, in several spellings, and some have none. */
export function randomCustomers(seed: number, count: number): Partial<Customer>[] {
  return fc.sample(customer, { seed, numRuns: count }).map(({ isPerson, phone, host, addresses, ...fields }, index) => {
    const given = {
      displayName: fields.displayName,
      tags: fields.tags,
      source: fields.source,
      lifecycleStage: fields.lifecycleStage,
      customFields: fields.customFields,
      phones: phone === undefined ? [] : [{ number: phone }],
      addresses: addresses.filter((address) => Object.values(address).some((value) => value !== undefined)),
      emails: host === undefined ? [] : [{ address: `Mail${index % 7}.${index}@${host}.test` }],
      externalIds: index % 3 === 0 ? [{ system: index % 2 === 0 ? 'erp' : 'crm', value: `A${index}` }] : [],
    };
    if (!isPerson) return company({ ...given, domains: host === undefined ? [] : [`w${index}.${host}.test`] });
    const { givenName, familyName, jobTitle, birthDate, companyName } = fields;
    return person({ ...given, givenName, familyName, jobTitle, birthDate, companyName });
  });
}

const deal = fc.record({
  title: name,
  amount: maybe(amount),
  closeDate: maybe(day),
  stage: fc.constantFrom('new', 'lost'),
  lostReason: word,
  tags: fc.uniqueArray(word, { maxLength: 2 }),
});

export function randomDeals(seed: number, count: number): Partial<Deal>[] {
  return fc.sample(deal, { seed, numRuns: count }).map((given, index) => ({
    ...given,
    externalIds: index % 4 === 0 ? [{ system: 'erp', value: `D${index}` }] : [],
  }));
}

/** A field, and texts of values in records. */
interface SampledField {
  path: string;
  hasOrder: boolean;
  /** Whether parts of values can be found. */
  hasParts: boolean;
  texts: readonly string[];
}

/** The fields of a table with their values in records. */
export function comparedFields(
  table: FilterTable,
  customFields: readonly CustomFieldDefinition[],
  records: readonly Record<string, unknown>[],
): SampledField[] {
  const own = [...table.fields.values()].map((compared) => {
    const { path, field, list, type } = compared;
    const valuesOf = (record: Record<string, unknown>) =>
      list
        ? (record[list.name] as Record<string, unknown>[]).map((item) =>
            type === 'key' && compared.hasSystem
              ? `${String(item['system'])}/${String(item['value'])}`
              : item[field.name],
          )
        : [record[field.name]].flat();
    const hasOrder = ['name', 'time', 'value'].includes(type) || (type === 'enum' && compared.ordered);
    return { path, hasOrder, hasParts: field.index.search, texts: textsOf(records.flatMap(valuesOf)) };
  });
  const custom = customFields.map(({ key, type }) => ({
    path: `customFields.${key}`,
    hasOrder: !['BOOLEAN', 'SELECT', 'MULTI_SELECT', 'URL', 'REFERENCE'].includes(type),
    hasParts: type === 'TEXT',
    texts: textsOf(records.flatMap((record) => (record['customFields'] as Record<string, unknown> | undefined)?.[key])),
  }));
  return [...own, ...custom];
}

function textsOf(values: readonly unknown[]): string[] {
  const texts = values.flatMap((value) => {
    if (value === undefined || value === null) return [];
    const given = value as string | number | boolean | { amount: string; currencyCode: string };
    return [typeof given === 'object' ? `${given.currencyCode} ${given.amount}` : String(given)];
  });
  return [...new Set(texts)];
}

const odd = fc.constantFrom(
  '',
  'x',
  'PERSON',
  'now',
  'now-1h',
  'now+2d',
  'today',
  'today-30d',
  '2026-01-31',
  '12',
  'EUR',
  'true',
);
/** Spellings of a searched text. */
const spelled: ((text: string) => string)[] = [
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  (text) => text.normalize('NFKD').replace(/\p{Mn}/gu, ''),
];
const quoted = (text: string) => text.replace(/[\\"*]/g, '\\$&');

function valueOf({ texts, hasParts }: SampledField): fc.Arbitrary<string> {
  const known =
    texts.length === 0
      ? odd
      : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...texts) }, { weight: 1, arbitrary: odd });
  const cut = fc.tuple(fc.nat({ max: 6 }), fc.integer({ min: 1, max: 7 }));
  return fc
    .tuple(
      known,
      fc.constantFrom(...spelled),
      fc.constantFrom(...Array<string>(hasParts ? 3 : 16).fill('whole'), ...['start', 'end', 'part', 'any']),
      cut,
    )
    .map(([text, spell, form, [from, length]]) => {
      const characters = Array.from(spell(text));
      if (form === 'any') return '*';
      if (form === 'start') return `"${quoted(characters.slice(0, length).join(''))}*"`;
      if (form === 'end') return `"*${quoted(characters.slice(-length).join(''))}"`;
      if (form === 'part') return `"*${quoted(characters.slice(from, from + length).join(''))}*"`;
      return `"${quoted(characters.join(''))}"`;
    });
}

/** Filters of a type's own fields, most of them valid. */
export function filtersOf(fields: readonly SampledField[]): fc.Arbitrary<string> {
  const comparison = fc.constantFrom(...fields).chain((field) => {
    const value = valueOf(field);
    const operators = field.hasOrder ? ['=', '!=', '<', '<=', '>', '>='] : ['=', ':', '!='];
    return fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .tuple(fc.constantFrom(...operators), value)
          .map(([operator, text]) => `${field.path} ${operator} ${text}`),
      },
      {
        weight: 2,
        arbitrary: fc
          .array(value, { minLength: 1, maxLength: 4 })
          .map((texts) => `${field.path} IN (${texts.join(', ')})`),
      },
      {
        weight: field.hasOrder ? 2 : 0,
        arbitrary: fc.tuple(value, value).map(([from, to]) => `${field.path} BETWEEN ${from} AND ${to}`),
      },
    );
  });
  const term = fc.tuple(fc.constantFrom('', '', '', 'NOT ', '-'), comparison).map((parts) => parts.join(''));
  const group = fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => `(${terms.join(' OR ')})`);
  return fc
    .array(fc.oneof({ weight: 3, arbitrary: term }, group), { minLength: 1, maxLength: 2 })
    .map((terms) => terms.join(' AND '));
}
