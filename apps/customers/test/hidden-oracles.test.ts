import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { BatchMode, UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { csv, ImportTenant } from './import-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
/** Callers of the same tenant, with and without access to personal data. */
let seeing: Caller;
let blind: Caller;
let ada: Customer;

beforeEach(async () => {
  seeing = newCaller();
  blind = { ...seeing, principalId: `apiKey:${v7()}`, hidesPii: true };
  const externalIds = [{ system: 'erp', value: '1' }];
  const names = { displayName: 'Ada Lovelace', familyName: 'Lovelace' };
  ada = await customers.create(seeing, person({ ...names, birthDate: '1815-12-10', externalIds, tags: ['vip'] }));
});

type Guess = Partial<Customer>;

const guesses: [field: string, right: Guess, wrong: Guess][] = [
  ['a birth date', { birthDate: '1815-12-10' }, { birthDate: '1815-12-11' }],
  ['a family name', { familyName: 'Lovelace' }, { familyName: 'Byron' }],
  ['a name beside a tag', { familyName: 'Lovelace', tags: ['vip'] }, { familyName: 'Byron', tags: ['vip'] }],
];

const methods: [
  method: string,
  set: (caller: Caller, guess: Guess, validateOnly: boolean) => Promise<Customer | undefined>,
][] = [
  [
    'an update',
    (caller, guess, validateOnly) =>
      customers.call(
        'updateCustomer',
        { id: ada.id, customer: customerOf(guess), updateMask: Object.keys(guess), validateOnly },
        caller,
      ),
  ],
  [
    'an upsert',
    async (caller, guess, validateOnly) => {
      const customer = customerOf({ kind: ada.kind, externalIds: ada.externalIds, ...guess });
      const request = { customer, match: UpsertMatch.EXTERNAL_ID, matchSystem: 'erp', validateOnly };
      return (await customers.call('upsertCustomer', request, caller)).customer;
    },
  ],
  [
    'a batch',
    async (caller, guess, validateOnly) => {
      const items = [{ id: ada.id, customer: customerOf(guess), updateMask: Object.keys(guess), etag: undefined }];
      const request = { batch: { items, mode: BatchMode.ATOMIC }, validateOnly };
      return (await customers.call('batchUpdateCustomers', request, caller)).results[0]?.customer;
    },
  ],
];

const cases = methods.flatMap(([method, set]) =>
  guesses.map(([field, right, wrong]) => ({ method, field, set, right, wrong })),
);

test.each(cases)(
  '$method with validateOnly does not reveal whether a guess of $field is correct',
  async ({ set, right, wrong }) => {
    const answers = [await set(blind, right, true), await set(blind, wrong, true)];

    expect(answers.map((answer) => answer?.etag)).toEqual(['"2"', '"2"']);
    for (const answer of answers) expect(answer?.updateTime).not.toBe(ada.updateTime);
    expect(answers.map(withoutTime)[0]).toEqual(withoutTime(answers[1]));
  },
);

test.each(cases)(
  '$method by a caller with access to $field writes nothing for an equal value',
  async ({ set, right }) => {
    expect(await set(seeing, right, false)).toEqual(ada);
  },
);

test.each(methods)('%s by a caller without access always counts as a change', async (_method, set) => {
  const changed = await set(blind, { birthDate: '1815-12-10' }, false);

  expect(changed?.etag).toBe('"2"');
  expect(await customers.get(seeing, ada.id)).toMatchObject({ etag: '"2"', birthDate: '1815-12-10' });
});

test('an update without personal data writes nothing for equal values', async () => {
  expect((await customers.update(blind, ada.id, { tags: ['vip'] })).etag).toBe('"1"');
});

test('duplicates are not revealed to callers without access to personal data', async () => {
  const guess = await customers.create(
    blind,
    person({ displayName: 'Ada Lovelace', familyName: 'Lovelace', birthDate: '1815-12-10' }),
  );
  expect((await customers.call('findDuplicates', { id: guess.id }, seeing)).duplicates).not.toEqual([]);
  const refusal = { code: 'PERMISSION_DENIED', reason: 'FIELD_HIDDEN' };

  await expect(customers.call('findDuplicates', { id: guess.id, minScore: 1 }, blind)).rejects.toMatchObject(refusal);
  await expect(customers.call('listDuplicates', {}, blind)).rejects.toMatchObject(refusal);
});

test('import counts do not reveal whether a row matches the existing customer', async () => {
  const file = (birthDate: string) => `external_id.erp,name,birth_date\n1,Ada Lovelace,${birthDate}\n`;
  const operations = await OperationTenant.create(customers, blind);
  const dryRuns = [
    await operations.run(file('1815-12-10'), { dryRun: true }),
    await operations.run(file('1815-12-11'), { dryRun: true }),
  ];
  await operations.close();
  const imports = await ImportTenant.create(customers, blind);
  const imported = await imports.importFile(csv(file('1815-12-10')));
  await imports.close();

  const counts = { rows: 1, created: 0, updated: 1, unchanged: 0 };
  for (const dryRun of dryRuns) expect(dryRun.counts).toMatchObject(counts);
  expect(imported).toMatchObject(counts);
});

/** A response without its time. */
function withoutTime(answer: Customer | undefined): object {
  return { ...answer, updateTime: undefined };
}
