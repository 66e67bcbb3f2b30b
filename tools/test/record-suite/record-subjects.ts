import {
  platformContract,
  recordContracts,
  snakeCase,
  type RecordContract,
  type RecordField,
} from '@rapport/contracts';

type Json = Record<string, unknown>;

/** How to create records of one type. */
interface RecordFixture {
  /** JSON name of the text field that the suite sets, searches and changes. */
  text: string;
  /** The field that follows from it, and is searched in its place. */
  derived?: string;
  /**
   * Creates the prerequisites of a tenant's records: `create` makes a record of a collection, and returns its id. Absent
   * without prerequisites.
   *
   * @returns the required fields besides the text
   */
  prepare?: (create: (collection: string, body: object) => Promise<string>) => Promise<Json>;
  /** The variables in the path of the collection, such as `object`. */
  params?: Readonly<Record<string, string>>;
  /** New unique values, by which an upsert finds a record; an external id when absent. */
  unique?: () => Json;
  /** Whether each record needs unique values. */
  needsUnique?: boolean;
}

const stages = [{ key: 'lead', name: 'Lead', kind: 'OPEN' }];

/** By the type of the resource. */
const fixtures: Readonly<Record<string, RecordFixture>> = {
  'rapport/Customer': { text: 'displayName', prepare: async () => ({ kind: 'COMPANY' }) },
  'rapport/Deal': {
    text: 'title',
    prepare: async (create) => ({ pipelineId: await create('pipelines', { name: 'Sales', stages }), stage: 'lead' }),
  },
  'rapport/AssignmentRule': {
    text: 'name',
    prepare: async (create) => {
      const user = { email: `${crypto.randomUUID()}@example.com`, displayName: 'Ada', roleIds: ['read-only'] };
      return { recordType: 'lead', method: 'ROUND_ROBIN', members: [{ userId: await create('users', user) }] };
    },
  },
  'rapport/Product': { text: 'name', unique: () => ({ sku: newDigits() }), needsUnique: true },
  'rapport/PriceBook': {
    text: 'name',
    prepare: async () => ({ currencyCode: 'EUR' }),
    unique: () => ({ key: `key_${newDigits()}` }),
    needsUnique: true,
  },
  'rapport/Queue': { text: 'name', unique: () => ({ key: `key_${newDigits()}` }), needsUnique: true },
  'rapport/SlaPolicy': {
    text: 'name',
    prepare: async (create) => ({
      calendarId: await create('calendars', { name: 'Office', timeZone: 'Europe/Berlin' }),
      targets: [{ metric: 'RESOLUTION', withinSeconds: 3_600 }],
    }),
    unique: () => ({ key: `key_${newDigits()}` }),
    needsUnique: true,
  },
  'rapport/Campaign': {
    text: 'name',
    // Its needs are checked when it is started.
    prepare: async () => ({
      ...{ topicKey: 'news', mailboxId: crypto.randomUUID(), includeSegmentIds: [crypto.randomUUID()] },
      variants: [{ key: 'a', templateId: crypto.randomUUID() }],
    }),
  },
  'rapport/Segment': {
    text: 'name',
    // The others change by themselves.
    prepare: async () => ({ kind: 'STATIC' }),
    unique: () => ({ key: `key_${newDigits()}` }),
    needsUnique: true,
  },
  'rapport/Template': {
    text: 'name',
    prepare: async () => ({ body: 'Hello' }),
    unique: () => ({ key: `key_${newDigits()}` }),
    needsUnique: true,
  },
  'rapport/Article': {
    text: 'title',
    prepare: async () => ({ markdown: 'Hello', locale: 'en' }),
    unique: () => ({ slug: `slug-${newDigits()}` }),
    needsUnique: true,
  },
  'rapport/ArticleSection': { text: 'name', unique: () => ({ slug: `slug-${newDigits()}` }), needsUnique: true },
  'rapport/Topic': { text: 'name', unique: () => ({ key: `key_${newDigits()}` }), needsUnique: true },
  'rapport/Form': {
    text: 'name',
    prepare: async () => ({
      fields: [{ key: 'email', label: 'E-mail', isRequired: true, customerField: 'email' }],
    }),
    unique: () => ({ key: `key_${newDigits()}` }),
    needsUnique: true,
  },
  'rapport/Survey': { text: 'name', prepare: async () => ({ question: 'Are you satisfied?' }) },
  'rapport/Macro': { text: 'name', prepare: async () => ({ actions: [{ setPriority: { priority: 'HIGH' } }] }) },
  'rapport/Lead': {
    text: 'company',
    prepare: async (create) => ({ customerId: await create('customers', { kind: 'COMPANY', displayName: 'Engines' }) }),
  },
  'rapport/Quote': {
    text: 'title',
    prepare: async (create) => {
      const pipelineId = await create('pipelines', { name: 'Sales', stages });
      return { dealId: await create('deals', { title: 'A deal', pipelineId, stage: 'lead' }), currency: 'EUR' };
    },
  },
  'rapport/Calendar': { text: 'name', prepare: async () => ({ timeZone: 'Europe/Berlin' }) },
  'rapport/Pipeline': { text: 'name', prepare: async () => ({ stages }) },
  'rapport/Quota': {
    text: 'name',
    prepare: async () => ({ period: '2026', amount: { currencyCode: 'EUR', amount: '100' } }),
    unique: () => ({ period: newPeriod() }),
    needsUnique: true,
  },
  'rapport/Ticket': {
    text: 'subject',
    prepare: async (create) => ({ customerId: await create('customers', { kind: 'COMPANY', displayName: 'Engines' }) }),
  },
  'rapport/TicketStatus': {
    text: 'name',
    prepare: async () => ({ category: 'ON_HOLD' }),
    unique: () => ({ key: `key_${newDigits()}` }),
    needsUnique: true,
  },
  'rapport/Task': { text: 'subject' },
  'rapport/Note': { text: 'body', derived: 'title' },
  'rapport/Call': { text: 'subject' },
  'rapport/Meeting': { text: 'subject', prepare: async () => ({ startTime: '2026-09-30T09:00:00.000Z' }) },
  'rapport/Email': { text: 'subject' },
  'rapport/ForecastSubmission': {
    text: 'note',
    prepare: async () => ({ period: '2026', amount: { currencyCode: 'EUR', amount: '100' } }),
  },
  'rapport/CustomObject': { text: 'displayName', unique: () => ({ key: `key_${newDigits()}` }), needsUnique: true },
  'rapport/ObjectRecord': {
    text: 'name',
    params: { object: 'subscription' },
    prepare: async (create) => {
      await create('customObjects', { key: 'subscription', displayName: 'Subscription' });
      return {};
    },
  },
};

/** A type of records that callers write. */
export interface RecordSubject {
  record: RecordContract;
  /** Such as `deals`, for the names of tests. */
  plural: string;
  /** The type in events and the change feed, such as `custom_field`. */
  type: string;
  text: RecordField;
  /** JSON name of the field that follows from the text, if any. */
  derived: string | undefined;
  prepare: NonNullable<RecordFixture['prepare']>;
  params: Readonly<Record<string, string>>;
  /** Path of the collection after `/v1/`, such as `objects/subscription/records`. */
  collection: string;
  /** Permissions to read and to write the records. */
  permissions: { read: string; write: string };
  unique: () => Json;
  needsUnique: boolean;
}

export const contract = platformContract();

/** Every writable record type of the contract. @throws Error for one without a fixture */
export const recordSubjects: readonly RecordSubject[] = recordContracts(contract)
  .filter(({ options }) => !options.readOnly)
  .map((record) => {
    const fixture = fixtures[record.type];
    const text = record.fields.find(({ name }) => name === fixture?.text);
    if (!fixture || !text) throw new Error(`Add to ${import.meta.filename} how a record of ${record.type} is created.`);
    const { plural, singular } = record;
    const {
      prepare = () => Promise.resolve({}),
      params = {},
      unique = newExternalId,
      needsUnique = false,
      derived,
    } = fixture;
    const collection = record.collection.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '');
    const area = [record.permission, ...Object.values(params)].join('.');
    const permissions = { read: `${area}.read`, write: record.writePermission.replace(record.permission, area) };
    return {
      ...{ record, plural, type: snakeCase(singular), text, prepare, params, collection, permissions },
      ...{ unique, needsUnique, derived },
    };
  });

/** The permissions to read records of every type. */
export const readPermissions = [...new Set(recordContracts(contract).map(({ permission }) => `${permission}.read`))];

function newExternalId(): Json {
  return { externalIds: [{ system: 'erp', value: newDigits() }] };
}

/** One of 24,000 months. */
function newPeriod(): string {
  const month = 12_000 + Math.floor(Math.random() * 24_000);
  return `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`;
}

function newDigits(): string {
  return String(Math.floor(Math.random() * 1e12));
}
