import { CustomerKind, LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import type { AppError, Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

/** Everything that a caller sees of an error. */
async function outcome(call: Promise<unknown>) {
  const error = await call.then(
    () => expect.fail('the call succeeded'),
    (thrown: unknown) => thrown as AppError,
  );
  const { code, reason, message, violations, metadata, retryAfterSeconds } = error;
  return JSON.stringify({ code, reason, message, violations, metadata, retryAfterSeconds });
}

const nastyText = `"'\\'' \\x27; -- ? :a $1 %_ \u202e 𝒜́ {\\"a\\":1} \t\n`.trim();

describe('CreateCustomer', () => {
  test.each([
    ['a date that does not exist', person({ birthDate: '2026-02-30' }), 'BAD_FORMAT'],
    ['the year 0', person({ birthDate: '0000-01-01' }), 'BAD_FORMAT'],
    ['the birthday of a company', company({ birthDate: '1815-12-10' }), 'NOT_ALLOWED'],
  ])('refuses %s', async (_, customer, reason) => {
    await expect(customers.create(caller, customer)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'customer.birthDate', reason }],
    });
  });

  test.each(['null', 'NULL', 'two\nlines', 'a\t"b", {c} \\d', 'undefined', '{}'])(
    'stores a tag %j unchanged',
    async (tag) => {
      const created = await customers.create(caller, person({ tags: [tag, 'vip'] }));
      expect((await customers.get(caller, created.id)).tags).toEqual([tag, 'vip']);

      await customers.update(caller, created.id, { tags: ['vip', tag] });
      expect((await customers.get(caller, created.id)).tags).toEqual(['vip', tag]);
    },
  );

  test('returns the same as GetCustomer', async () => {
    const employer = await customers.create(caller, company());
    const wanted = person({
      displayName: undefined,
      givenName: ' Léa ',
      familyName: nastyText,
      jobTitle: nastyText,
      emails: [{ address: "O'Hara@EXAMPLE.com", label: nastyText.slice(0, 40) }],
      phones: [{ number: '030 901820' }, { number: 'call me ?' }],
      addresses: [{ street: nastyText, countryCode: 'DE' }],
      tags: ['b', nastyText, 'b', 'a'],
      lifecycleStage: LifecycleStage.LEAD,
      ownerId: v7(),
      source: nastyText,
      externalIds: [{ system: 'erp', value: nastyText }],
      companyId: employer.id,
      companyName: nastyText,
    });

    const created = await customers.create(caller, wanted);

    expect(created).toMatchObject({
      ...wanted,
      displayName: `Léa ${nastyText}`,
      givenName: 'Léa',
      emails: [{ address: "O'Hara@example.com", label: nastyText.slice(0, 40).trim() }],
      phones: [{ number: '+4930901820' }, { number: 'call me ?' }],
      tags: ['b', nastyText, 'a'],
      etag: '"1"',
      createdBy: caller.principalId,
      updatedBy: caller.principalId,
      updateTime: created.createTime,
      deleteTime: undefined,
    });
    expect(await customers.get(caller, created.id)).toEqual(created);
  });

  test('reports each invalid field by its path in the request', async () => {
    const attempt = customers.create(caller, {
      kind: CustomerKind.PERSON,
      tags: [' '],
      domains: ['example.com'],
      externalIds: [
        { system: 'erp', value: '1' },
        { system: 'erp', value: '2' },
      ],
    });

    await expect(attempt).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [
        { field: 'customer.tags[0]', reason: 'REQUIRED' },
        { field: 'customer.externalIds[1].system', reason: 'DUPLICATE' },
        { field: 'customer.domains', reason: 'NOT_ALLOWED' },
        { field: 'customer.displayName', reason: 'REQUIRED' },
      ],
    });
  });

  test('accepts only a live company of the same tenant as the company of a person', async () => {
    const foreign = await customers.create(newCaller(), company());
    const human = await customers.create(caller, person());
    const gone = await customers.create(caller, company());
    await customers.delete(caller, gone.id);

    for (const companyId of [foreign.id, human.id, gone.id, v7()]) {
      await expect(customers.create(caller, person({ companyId }))).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [{ field: 'customer.companyId', reason: 'COMPANY_NOT_FOUND' }],
      });
    }
  });

  test('refuses a unique value of a live customer and returns its id', async () => {
    const first = await customers.create(
      caller,
      company({
        emails: [{ address: 'info@example.com' }],
        domains: ['example.com'],
        externalIds: [{ system: 'erp', value: 'A1' }],
      }),
    );
    const attempts = {
      EMAIL_TAKEN: [{ emails: [{ address: 'a@b.cd' }, { address: 'INFO@Example.com' }] }, 'emails[1].address'],
      DOMAIN_TAKEN: [{ domains: ['EXAMPLE.com'] }, 'domains[0]'],
      EXTERNAL_ID_TAKEN: [{ externalIds: [{ system: 'erp', value: 'A1' }] }, 'externalIds[0].value'],
    } as const;

    for (const [reason, [values, path]] of Object.entries(attempts)) {
      await expect(customers.create(caller, company(values as object))).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
        reason,
        violations: [{ field: `customer.${path}`, reason }],
        metadata: { customerId: first.id },
      });
    }
    await customers.create(newCaller(), company({ domains: ['example.com'] }));
  });

  test('lets exactly one of many concurrent claims of the same values win, in any order', async () => {
    const emails = ['x@example.com', 'y@example.com', 'z@example.com'].map((address) => ({ address }));
    const attempts = Array.from({ length: 12 }, (_, index) =>
      customers.create(caller, person({ emails: index % 2 ? emails : emails.toReversed() })),
    );

    const results = await Promise.allSettled(attempts);

    const reasons = results.map((result) =>
      result.status === 'rejected' ? (result.reason as AppError).reason : 'won',
    );
    expect(reasons.sort()).toEqual([...Array<string>(11).fill('EMAIL_TAKEN'), 'won']);
  });
});

describe('an idempotency key', () => {
  test('repeats the first response, and refuses another body', async () => {
    const first = await customers.create(caller, person({ emails: [{ address: 'ada@example.com' }] }), 'key-1');
    const again = await customers.create(caller, person({ emails: [{ address: 'ada@example.com' }] }), 'key-1');

    expect(again).toEqual(first);
    expect(await customers.names(caller, {})).toHaveLength(1);
    await expect(customers.create(caller, person({ jobTitle: 'other' }), 'key-1')).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  test('creates one customer for concurrent twins', async () => {
    const twins = await Promise.allSettled(
      Array.from({ length: 8 }, () => customers.create(caller, person(), 'key-2')),
    );

    const ids = new Set(twins.flatMap((twin) => (twin.status === 'fulfilled' ? [twin.value.id] : [])));
    const refusals = twins.flatMap((twin) => (twin.status === 'rejected' ? [(twin.reason as AppError).reason] : []));
    expect(ids.size).toBe(1);
    expect(refusals.every((reason) => reason === 'IDEMPOTENCY_KEY_IN_USE')).toBe(true);
    expect(await customers.names(caller, {})).toHaveLength(1);
  });

  test('repeats the response of a delete', async () => {
    const { id } = await customers.create(caller, person());
    const first = await customers.call('deleteCustomer', { id, requestId: 'key-3' }, caller);

    expect(await customers.call('deleteCustomer', { id, requestId: 'key-3' }, caller)).toEqual(first);
  });
});

describe('NOT_FOUND', () => {
  test("hides another tenant's customer: the same bytes as for a missing or deleted one", async () => {
    const { id: foreign } = await customers.create(newCaller(), person());
    const { id: deleted } = await customers.create(caller, person());
    await customers.delete(caller, deleted);

    const calls = (id: string) => [
      customers.get(caller, id),
      customers.update(caller, id, { jobTitle: 'x' }, '"7"'),
      customers.call('deleteCustomer', { id, etag: '"7"' }, caller),
    ];
    const missing = await Promise.all(calls(v7()).map(outcome));
    expect(missing[0]).toContain('CUSTOMER_NOT_FOUND');
    expect(await Promise.all(calls(foreign).map(outcome))).toEqual(missing);
    expect(await Promise.all(calls(deleted).map(outcome))).toEqual(missing);
    expect(await outcome(customers.call('undeleteCustomer', { id: foreign }, caller))).toBe(
      await outcome(customers.call('undeleteCustomer', { id: v7() }, caller)),
    );
  });
});

describe('BatchGetCustomers', () => {
  test('returns customers in the order of the ids, each once, and the missing ids separately', async () => {
    const [first, second, gone] = await Promise.all([1, 2, 3].map(() => customers.create(caller, person())));
    const foreign = await customers.create(newCaller(), person());
    await customers.delete(caller, gone!.id);
    const unknown = v7();
    const ids = [second!.id, unknown, first!.id, second!.id, gone!.id, foreign.id];

    const answer = await customers.call('batchGetCustomers', { ids }, caller);

    expect(answer.customers).toEqual([second, first]);
    expect(answer.missingIds).toEqual([unknown, gone!.id, foreign.id]);
    expect(answer.unmetIds).toEqual([]);
  });

  test('reports the customers that do not match a filter, and refuses a filter on other records', async () => {
    const email = `${v7()}@example.com`;
    const vip = await customers.create(caller, person({ tags: ['vip'], emails: [{ address: email }] }));
    const other = await customers.create(caller, person());
    const ids = [vip.id, v7(), other.id];
    const get = (filter: string) => customers.call('batchGetCustomers', { ids, filter }, caller);

    expect(await get('tags:vip')).toEqual({ customers: [vip, other], missingIds: [ids[1]], unmetIds: [other.id] });
    expect((await get(`NOT tags:vip OR emails:"${email}"`)).unmetIds).toEqual([]);
    expect((await get('tags:none')).unmetIds).toEqual([vip.id, other.id]);
    expect((await get('  ')).unmetIds).toEqual([]);
    for (const [filter, reason] of [
      ['tags:vip AND', 'FILTER_SYNTAX'],
      ['custom_fields.none = 1', 'FILTER_FIELD_UNKNOWN'],
      ['tags:vip AND company.city:Graz', 'FILTER_FIELD_UNKNOWN'],
      ['associations.partner_of:*', 'FILTER_FIELD_UNKNOWN'],
    ] as const) {
      await expect(get(filter)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [{ field: 'filter', reason }],
      });
    }
  });
});

describe('DeleteCustomer and UndeleteCustomer', () => {
  test('a deleted customer is restored unchanged', async () => {
    const created = await customers.create(caller, person({ emails: [{ address: 'ada@example.com' }] }));

    const deleted = await customers.delete(caller, created.id);
    const undeleted = await customers.call('undeleteCustomer', { id: created.id, etag: deleted.etag }, caller);

    expect(deleted).toMatchObject({ deleteTime: deleted.updateTime, etag: '"2"' });
    expect(undeleted).toEqual({ ...created, etag: '"3"', updateTime: undeleted.updateTime });
    await expect(customers.call('undeleteCustomer', { id: created.id }, caller)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'CUSTOMER_NOT_DELETED',
    });
  });

  test('a deleted customer blocks no value, and can not be restored while another live one has it', async () => {
    const emails = [{ address: 'ada@example.com' }];
    const old = await customers.create(caller, person({ emails: [{ address: 'home@example.com' }, ...emails] }));
    await customers.delete(caller, old.id);
    const successor = await customers.create(caller, person({ emails }));

    const undelete = (by: Caller) => customers.call('undeleteCustomer', { id: old.id }, by);
    const conflict = (named: string) => ({
      code: 'ALREADY_EXISTS',
      reason: 'EMAIL_TAKEN',
      message: expect.stringContaining(`(${named})`) as string,
      violations: [{ field: 'id', description: `is of a customer with the e-mail address of another one (${named})` }],
      metadata: { customerId: successor.id },
    });
    await expect(undelete(caller)).rejects.toMatchObject(conflict('emails[1].address: ada@example.com'));
    await expect(undelete({ ...caller, hidesPii: true })).rejects.toMatchObject(conflict('emails[1].address'));
    await expect(customers.get(caller, old.id)).rejects.toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
    await customers.delete(caller, successor.id);
    await customers.call('undeleteCustomer', { id: old.id }, caller);
  });
});
