import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { AppError } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
const caller = newCaller();

const seed = printedSeed('upsert-unites');
const sizes = {
  people: sizeOf('UPSERT_PEOPLE', { short: 10, long: 200 }),
  /** Edits per shop, unless a duration is set. */
  edits: sizeOf('UPSERT_EDITS', { short: 90, long: 0 }),
  /** Duration of the edits; 0 for the number in UPSERT_EDITS. */
  seconds: sizeOf('UPSERT_SECONDS', { short: 0, long: 3_600 }),
};

/** Edits generated per round. */
const batchSize = 500;

interface Edit {
  person: number;
  emails: number[];
  phones: number[];
  tag: number;
  byEmail: boolean;
}

const edits = fc.record<Edit>({
  person: fc.nat(sizes.people - 1),
  emails: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
  phones: fc.subarray([0, 1, 2, 3]),
  tag: fc.nat(3),
  byEmail: fc.boolean(),
});

/** The accepted values of customers, by id. */
const accepted = new Map<string, Set<string>>();
let [made, refused] = [0, 0];

test(
  'two shops with concurrent upserts lose no id, e-mail address, phone number or tag of each other',
  async () => {
    const endMs = Date.now() + sizes.seconds * 1_000;
    const goesOn = (own: number) => (sizes.seconds === 0 ? own < sizes.edits : Date.now() < endMs);
    const shops = ['shop-a', 'shop-b'].map(async (system, index) => {
      for (let own = 0; goesOn(own);) {
        for (const edit of fc.sample(edits, { seed: seed + index + 2 * own, numRuns: batchSize })) {
          if (!goesOn(own)) return;
          await apply(system, edit);
          own += 1;
        }
      }
    });
    await Promise.all(shops);

    for (const [id, values] of accepted) {
      const has = valuesOf(await customers.get(caller, id));
      expect(
        [...values].filter((value) => !has.includes(value)),
        `seed ${seed}, customer ${id}`,
      ).toEqual([]);
    }
    printTally('upsert-unites', { edits: made, refused, customers: accepted.size });
    expect(refused).toBeLessThan(made / 2);
  },
  soakTimeoutMs,
);

async function apply(system: string, { person: number, byEmail, ...edit }: Edit): Promise<void> {
  const customer = customerOf(
    person({
      emails: edit.emails.map((n) => ({ address: `p${number}.${n}@x.example`, label: undefined })),
      phones: edit.phones.map((n) => ({ number: `+431588${1_000 + number * 4 + n}`, label: undefined })),
      tags: [`tag ${edit.tag}`],
      externalIds: [{ system, value: String(number) }],
    }),
  );
  made += 1;
  const match = byEmail ? UpsertMatch.EMAIL : UpsertMatch.EXTERNAL_ID;
  try {
    const answer = await customers.call('upsertCustomer', { customer, match, matchSystem: system }, caller);
    const known = accepted.get(answer.customer?.id ?? '') ?? new Set();
    accepted.set(answer.customer?.id ?? '', known);
    for (const value of valuesOf(customer)) known.add(value);
  } catch (error) {
    // A person created by both shops with different addresses stays two customers: nothing is removed from either.
    if (!(error instanceof AppError) || !['ALREADY_EXISTS', 'ABORTED'].includes(error.code)) throw error;
    refused += 1;
  }
}

function valuesOf({ emails, phones, tags, externalIds }: Customer): string[] {
  return [
    ...emails.map(({ address }) => `email ${address}`),
    ...phones.map(({ number }) => `phone ${number}`),
    ...tags.map((tag) => `tag ${tag}`),
    ...externalIds.map(({ system, value }) => `id ${system}/${value}`),
  ];
}
