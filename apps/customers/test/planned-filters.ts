// Filters whose plans query-plans.soak.test.ts checks.

/** Of no record. */
export const id = '019ab2f4-0000-7000-8000-000000000001';
/** A value; for ordered fields, one with few smaller values and one with few greater ones. */
type Values = [value: string, greatest?: string];
const custom: Record<string, Values> = {
  account_note: ['"calls on mondays 1"', '"prefers e-mail 4"'],
  seats: ['1', '1444'],
  score: ['-499.5', '1400'],
  revenue: ['"EUR 500"', '"USD 249000"'],
  contract_start: ['2019-02-01', '2027-01-01'],
  last_contact: ['2019-02-01', '2027-01-01T00:00:00Z'],
  newsletter: ['false'],
  plan: ['Platinum'],
  interests: ['Hiking'],
  website: ['https://www.example.com/7'],
  referred_by: [id],
};
const fields: Record<string, Values> = {
  id: [id],
  kind: ['COMPANY'],
  lifecycle_stage: ['LEAD', 'OPPORTUNITY'],
  owner_id: [id],
  owner_team_id: [id],
  company_id: [id],
  create_time: ['2019-02-01', '2024-12-20'],
  update_time: ['2019-02-01', '2025-09-01'],
  display_name: ['"ada byron"', 'Ζ'],
  family_name: ['anderson', 'Ζ'],
  company_name: ['"ashber"', 'Ζ'],
  given_name: ['Ada'],
  job_title: ['Teacher'],
  source: ['api'],
  birth_date: ['1970-01-05', '2002-11-01'],
  lifecycle_stage_time: ['2019-02-01', '2025-09-01'],
  delete_time: ['2019-02-01', '2025-09-01'],
  emails: ['info@x.example'],
  domains: ['x.example'],
  external_ids: ['erp/77'],
  phones: ['+4930'],
  tags: ['b2c'],
  city: ['Berlin'],
  state: ['Bayern'],
  postal_code: ['10115'],
  country_code: ['GR'],
  ...Object.fromEntries(Object.entries(custom).map(([key, values]) => [`custom_fields.${key}`, values])),
};
const beginnings = [
  ...['display_name = "brandenb*"', 'family_name = "brandenb*"', 'company_name = "brandenb*"', 'emails:"info@*"'],
  ...['domains:"brand*"', 'external_ids:erp/77*', 'custom_fields.account_note = "prefers e*"'],
  'custom_fields.revenue = GBP*',
];
const parts = [
  ...['displayName:"*brandenb*"', 'familyName:"*nburg"', 'givenName:"*delhei*"', 'emails:"*@x.example"'],
  ...['domains:"*brandenb*"', 'phones:"*301820"'],
];
const lists = [
  ...[`id IN (${id}, ${id})`, `companyId IN (${id}, ${id})`, 'displayName IN ("ada byron", brandenburg)'],
  ...['emails IN (info@x.example, a@x.example)', 'externalIds IN ("erp/77", "erp/78")', 'tags IN (b2c, vip)'],
  ...['customFields.seats IN (1, 2)', 'customFields.plan IN (gold, silver)', 'countryCode IN (GR, CY)'],
];
const ranges = [
  ...['createTime BETWEEN 2019-01-01 AND 2019-02-01', 'createTime < now-5000d', 'updateTime > today+1d'],
  ...['displayName BETWEEN "ada b" AND "ada c"', 'customFields.contract_start BETWEEN 2040-01-01 AND today+9000d'],
];
/** A comparison of each kind for each field of the seeded customers. */
export const comparisons = [
  ...Object.entries(fields).flatMap(([field, [value, greatest]]) => [
    `${field} = ${value}`,
    ...(greatest === undefined
      ? []
      : [`${field} < ${value}`, `${field} <= ${value}`, `${field} > ${greatest}`, `${field} >= ${greatest}`]),
  ]),
  ...beginnings,
  ...parts,
  ...lists,
  ...ranges,
];
/** The same for other records that a customer refers to. */
export const others = comparisons.flatMap((comparison) => [
  `company.${comparison}`,
  `associations.employee_of.${comparison}`,
]);
/** Filters by associations. */
export const links = [`associations.employee_of:${id}`];
/** Filters of several comparisons. */
export const compounds = [
  'tags:b2c AND country_code:GR',
  'tags:b2c OR emails:info@* OR custom_fields.seats > 1500',
  '(kind = COMPANY OR tags:vip) AND NOT country_code:US AND given_name:*',
  'company.country_code:GR OR associations.partner_of.tags:vip OR display_name = "Z*"',
];
