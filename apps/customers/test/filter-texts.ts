import fc from 'fast-check';
import { customers } from '../src/domain/customers/customers.js';
import { filterFields } from '../src/engine/fields/filter-fields.js';

/** Custom fields in filters, and a valid value of each. */
export const customValues = {
  note: '"Calls on Mondays"',
  seats: '-2.5',
  score: '12.50',
  revenue: '"EUR 12.5"',
  day: '2026-01-31',
  called: '2026-01-31T09:30:00Z',
  news: 'true',
  plan: 'Gold',
  hobbies: 'Chess',
  site: 'https://acme.example',
  knows: '019ab2f4-0000-7000-8000-000000000001',
};

const values: Readonly<Record<string, string>> = {
  kind: 'PERSON',
  lifecycleStage: 'LEAD',
  phones: '+4930901820',
  birthDate: '1815-12-10',
  ...Object.fromEntries(['id', 'ownerId', 'ownerTeamId', 'companyId'].map((name) => [name, customValues.knows])),
  ...Object.fromEntries(
    ['createTime', 'updateTime', 'lifecycleStageTime', 'deleteTime'].map((name) => [name, customValues.called]),
  ),
};
const ordered = [
  ...['displayName', 'familyName', 'companyName', 'createTime', 'updateTime', 'lifecycleStage', 'lifecycleStageTime'],
  ...['birthDate', 'deleteTime'],
];
const orderedKeys = ['note', 'seats', 'score', 'revenue', 'day', 'called'];
const beginnings: Readonly<Record<string, string>> = {
  ...{ displayName: 'a*', familyName: '"lov*"', companyName: '"ac*"', emails: 'ada@*', domains: 'acme.*' },
  ...{ externalIds: 'erp/4*', 'customFields.note': 'c*', 'customFields.revenue': 'EUR*' },
};

const parts: Readonly<Record<string, string>> = {
  ...{ displayName: '"*Byr*"', givenName: '*ada*', familyName: '"*lace"', emails: '*@example.com', domains: '*acme*' },
  ...{ phones: '"*1820"' },
};

/** Every valid comparison of a customer's own fields. */
export const ownComparisons: readonly string[] = [
  ...[...filterFields(customers).keys()].map((name): [string, string, boolean] => [
    name,
    values[name] ?? 'Ada',
    ordered.includes(name),
  ]),
  ...Object.entries(customValues).map(([key, value]): [string, string, boolean] => [
    `customFields.${key}`,
    value,
    orderedKeys.includes(key),
  ]),
].flatMap(([field, value, hasOrder]) => [
  ...(hasOrder ? ['=', '!=', '<', '<=', '>', '>='] : ['=', ':', '!=']).map(
    (operator) => `${field} ${operator} ${value}`,
  ),
  `${field}:*`,
  `${field} IN (${value}, ${value})`,
  ...(hasOrder ? [`${field} BETWEEN ${value} AND ${value}`] : []),
  ...(parts[field] === undefined ? [] : [`${field}:${parts[field]}`]),
  ...(beginnings[field] === undefined ? [] : [`${field} = ${beginnings[field]}`]),
]);

/** Comparisons of other customers' fields. */
export const otherComparisons: readonly string[] = [
  ...ownComparisons.map((comparison) => `company.${comparison}`),
  ...ownComparisons.map((comparison) => `associations.partner_of.${comparison}`),
  'associations.partner_of:*',
  `associations.partner_of:${customValues.knows}`,
];

const word = fc.oneof(
  fc.constantFrom(
    'PERSON',
    'LEAD',
    '*',
    'a*',
    'EUR*',
    '*ada*',
    '*@example.com',
    'now-30d',
    'today',
    '2026-01-31',
    'EUR 12.5',
    '-2.5',
    '1e300',
    '99999999999999999999',
  ),
  fc.constantFrom('%', "'", '\\', '?', ':a', '$1', '\u202e', '{}', 'true', 'Gold', customValues.knows, '+49'),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => text.replaceAll('\0', '')),
);
const odd = fc
  .tuple(
    fc.constantFrom(...ownComparisons, ...otherComparisons).map((comparison) => comparison.split(/[ :]/)[0]),
    fc.constantFrom('=', '!=', '<', '<=', '>', '>=', ':'),
    word.map((text) => JSON.stringify(text)),
  )
  .map((parts) => parts.join(' '));
const comparison = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...ownComparisons) },
  { weight: 2, arbitrary: fc.constantFrom(...otherComparisons) },
  { weight: 1, arbitrary: odd },
);
const term = fc.tuple(fc.constantFrom('', '', 'NOT ', '-'), comparison).map((parts) => parts.join(''));
const group = fc.array(term, { minLength: 2, maxLength: 3 }).map((terms) => `(${terms.join(' OR ')})`);

/** Well-formed filters, most of them valid. */
export const filterTexts = fc
  .array(fc.oneof(term, group), { minLength: 1, maxLength: 4 })
  .chain((terms) => fc.constantFrom(' AND ', ' OR ', ' ').map((join) => terms.join(join)));

/** Filters with tokens removed, duplicated and inserted. */
export const mutilatedFilterTexts = fc
  .tuple(
    filterTexts,
    fc.nat(),
    fc.nat({ max: 12 }),
    fc.oneof(fc.string({ unit: 'binary', maxLength: 6 }), word, filterTexts),
  )
  .map(([text, at, length, put]) => {
    const index = at % (text.length + 1);
    return text.slice(0, index) + put + text.slice(index + length);
  });
