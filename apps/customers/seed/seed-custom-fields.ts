import type { CustomField } from '../src/engine/fields/custom-field.entity.js';
import type { CustomValues } from '../src/engine/fields/custom-fields.js';
import type { SeedRandom } from './seed-random.ts';

const types = {
  account_note: 'TEXT',
  seats: 'NUMBER',
  score: 'DECIMAL',
  revenue: 'MONEY',
  contract_start: 'DATE',
  last_contact: 'TIME',
  newsletter: 'BOOLEAN',
  plan: 'SELECT',
  interests: 'MULTI_SELECT',
  website: 'URL',
  referred_by: 'REFERENCE',
} as const;

const options: Readonly<Record<string, readonly string[]>> = {
  plan: ['Free', 'Bronze', 'Silver', 'Gold', 'Platinum'],
  interests: ['Analytics', 'Books', 'Cycling', 'Design', 'Energy', 'Finance', 'Gardening', 'Hiking'],
};

const notes = ['calls on Mondays', 'prefers e-mail', 'needs an invoice', 'möchte Rückruf', 'parle français'];
const currencies = ['EUR', 'USD', 'GBP', 'JPY'];

const day = 86_400_000;

/** The definitions of every seeded tenant: one field of each type. */
export function seedDefinitions(tenantId: string, timeMs: number): CustomField[] {
  const time = new Date(timeMs);
  return Object.entries(types).map(([key, type]) => ({
    tenantId,
    key,
    recordType: 'customer',
    type,
    kind: null,
    displayName: null,
    description: null,
    options: (options[key] ?? []).map((value) => ({ value })),
    searchable: key === 'account_note' || key === 'plan',
    version: 1,
    createTime: time,
    updateTime: time,
    deleteTime: null,
  }));
}

/**
 * Values of one customer, in stored form; most customers lack most fields.
 *
 * @param someone id of another customer of the tenant
 */
export function seedCustomValues(random: SeedRandom, timeMs: number, someone: string | undefined): CustomValues {
  const values: CustomValues = seedChoices(random);
  if (random.chance(0.1)) values['account_note'] = `${random.pick(notes)} ${random.below(5_000)}`;
  if (random.chance(0.5)) values['seats'] = random.below(40) ** 2;
  if (random.chance(0.2)) values['score'] = String(Number((random.below(200_000) / 100 - 500).toFixed(2)));
  if (random.chance(0.2)) {
    values['revenue'] = { amount: String(random.below(1_000) * 250), currencyCode: random.pickSkewed(currencies) };
  }
  if (random.chance(0.2))
    values['contract_start'] = new Date(timeMs + random.below(900) * day).toISOString().slice(0, 10);
  if (random.chance(0.2)) values['last_contact'] = new Date(timeMs + random.below(900 * day)).toISOString();
  if (random.chance(0.05)) values['website'] = `https://www.example.com/${random.below(100_000)}`;
  if (someone !== undefined && random.chance(0.02)) values['referred_by'] = someone;
  return values;
}

function seedChoices(random: SeedRandom): CustomValues {
  const values: CustomValues = {};
  if (random.chance(0.4)) values['newsletter'] = random.chance(0.7);
  if (random.chance(0.5)) values['plan'] = random.pickSkewed(options['plan'] ?? []);
  if (random.chance(0.1)) {
    values['interests'] = [
      ...new Set([random.pick(options['interests'] ?? []), random.pick(options['interests'] ?? [])]),
    ];
  }
  return values;
}
