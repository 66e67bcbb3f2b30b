import { platformContract, recordContracts, type RecordContract, type RecordField } from '@rapport/contracts';

type Json = Record<string, unknown>;

/** How records of one type are made. */
interface RecordFixture {
  /** JSON name of the text that the suite gives to records, searches and changes. */
  text: string;
  /**
   * Makes what the records of a tenant need: `create` makes a record of a collection, and answers its id. Absent when they need
   * nothing.
   *
   * @returns the fields that a record needs besides its text
   */
  prepare?: (create: (collection: string, body: object) => Promise<string>) => Promise<Json>;
  /** Path of the collection after `/v1/`; the plural of the type when absent. */
  collection?: string;
}

const stages = [{ key: 'lead', name: 'Lead', kind: 'OPEN' }];

/** By the type of the resource. */
const fixtures: Readonly<Record<string, RecordFixture>> = {
  'rapport/Customer': { text: 'displayName', prepare: async () => ({ kind: 'COMPANY' }) },
  'rapport/Deal': {
    text: 'title',
    prepare: async (create) => ({ pipelineId: await create('pipelines', { name: 'Sales', stages }), stage: 'lead' }),
  },
  'rapport/Pipeline': { text: 'name', prepare: async () => ({ stages }) },
};

/** A type of records that callers write. */
export interface RecordSubject {
  record: RecordContract;
  /** Such as `deals`, for the names of tests. */
  plural: string;
  /** The type as events and the change feed have it, such as `custom_field`. */
  type: string;
  text: RecordField;
  prepare: NonNullable<RecordFixture['prepare']>;
  collection: string;
}

export const contract = platformContract();

/** Every type of records of the contract that callers write. @throws Error for one of which the suite does not know how it is made */
export const recordSubjects: readonly RecordSubject[] = recordContracts(contract)
  .filter(({ options }) => !options.readOnly)
  .map((record) => {
    const fixture = fixtures[record.type];
    const text = record.fields.find(({ name }) => name === fixture?.text);
    if (!fixture || !text) throw new Error(`Say in ${import.meta.filename} how a record of ${record.type} is made.`);
    const { plural, singular } = record;
    const { prepare = () => Promise.resolve({}), collection = plural } = fixture;
    return { record, plural, type: snakeCase(singular), text, prepare, collection };
  });

/** What a caller needs to read the records of every type. */
export const readPermissions = [...new Set(recordContracts(contract).map(({ permission }) => `${permission}.read`))];

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
