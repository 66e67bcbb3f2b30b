import { isSoak, printedSeed, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { ExchangeTenant, type Customer, type Run } from './exchange-tenant.ts';
import { directusPeople, ownPeople, redminePeople, type People } from './rest-people.ts';
import { Random } from './two-way/random.ts';

const own = sizeOf('REST_PEOPLE', { short: 12, long: 1_000 });
/** More than two pages of 100. */
const others = sizeOf('REST_SERVICE_PEOPLE', { short: 0, long: 250 });
const rounds = sizeOf('REST_ROUNDS', { short: 2, long: 10 });
const editsPerRound = sizeOf('REST_EDITS', { short: 6, long: 30 });

/** Within which both sides are equal again once the service is back. */
const afterKillMs = 300_000;

/** Each takes its packages, 30 to 400 MiB, and minutes to start. */
const services = isSoak
  ? [['Directus', directusPeople, others] as const, ['Redmine', redminePeople, others] as const]
  : [];

let people: People;
let tenant: ExchangeTenant;

test.each([['a service', ownPeople, own] as const, ...services])(
  'customers and the people of %s are equal in the end, edited and deleted on both sides while it is killed, and nobody is there twice',
  { timeout: soakTimeoutMs },
  async (name, start, count) => {
    people = await start();
    onTestFinished(() => people.stop());
    const random = new Random(printedSeed(`rest-two-way ${name}`));
    tenant = await ExchangeTenant.create(await sharedPlatform(inject('platformUrl')));
    const connection = await tenant.connect('rest', people.settings, people.secrets);
    await tenant.api.ok('POST', `/v1/connections/${connection}:check`, {});
    let expected = (await people.all()).length + count;
    for (let index = 0; index < count; index += 1) await add(index % 2 === 0, `Person ${index}`);
    const { recordType, fields } = people;
    const mapping = await tenant.map(connection, { recordType, fields, maxDeletes: 100_000 });
    await tenant.untilEqual(mapping, expected);

    const tally = { people: expected, edits: 0, deletes: 0, kills: 0, cutOff: 0, failedRuns: 0 };
    for (let round = 1; round <= rounds; round += 1) {
      const isKilled = round % 2 === 0;
      const customers = [...(await tenant.customers()).values()];
      const gone = await removeTwo(random, customers);
      const left = customers.filter((customer) => !gone.includes(customer));
      const sent = await edit(random, round, left);
      tally.edits += editsPerRound;
      tally.deletes += gone.length;
      expected += 1 - gone.length;
      const run = tenant.run(mapping, { kind: 'RECONCILE' });
      if (isKilled) {
        tally.cutOff += await killAmidst(sent);
        tally.kills += 1;
      }
      tally.failedRuns += hasFailed(await run) ? 1 : 0;
      tally.failedRuns += await reconcile(mapping);
      await tenant.untilEqual(mapping, expected, { timeout: afterKillMs });
    }

    await expectSame(expected);
    expect(await tenant.conflicts(mapping)).toEqual([]);
    await expectRefusal(mapping);
    await tenant.untilEqual(mapping, expected);
    await expectSame(expected);
    printTally(`rest-two-way ${name}`, tally);
  },
);

async function add(isOurs: boolean, name: string): Promise<void> {
  const { customerFields } = people;
  if (!isOurs) return people.add(name, 'New');
  const address = `${name.toLowerCase().replace(' ', '.')}@example.com`;
  const content = { [customerFields.name]: name, [customerFields.title]: 'New', emails: [{ address }] };
  await tenant.api.createCustomer(name, content);
}

/** One on either side. */
async function removeTwo(random: Random, customers: Customer[]): Promise<Customer[]> {
  const [ours, theirs] = random.shuffled(customers.filter((customer) => nameOf(customer).startsWith('Person')));
  if (!ours || !theirs) throw new Error('Nobody is left to be deleted.');
  await tenant.api.ok('DELETE', `/v1/customers/${ours.id}`);
  await people.remove(nameOf(theirs));
  return [ours, theirs];
}

/** The edits of a round, those of customers last and all at once. @returns names and titles that are to arrive in the service */
async function edit(random: Random, round: number, customers: Customer[]): Promise<string[][]> {
  const edits = random
    .shuffled(customers)
    .slice(0, editsPerRound)
    .map((customer, index) => ({ customer, title: `Title ${round}.${index}`, isOurs: random.below(2) === 0 }));
  const ours = edits.filter(({ isOurs }) => isOurs);
  for (const { customer, title, isOurs } of edits) if (!isOurs) await people.edit(nameOf(customer), title);
  const { title: field } = people.customerFields;
  const late = `Late ${round}`;
  const isLateOurs = round % 2 === 0;
  if (!isLateOurs) await add(false, late);
  await Promise.all([
    ...ours.map(({ customer, title }) => tenant.api.updateCustomer(customer.id, { [field]: title })),
    ...(isLateOurs ? [add(true, late)] : []),
  ]);
  return [...ours.map(({ customer, title }) => [nameOf(customer), title]), ...(isLateOurs ? [[late, 'New']] : [])];
}

/** Kills the service as soon as something of this has arrived there. @returns how much had not */
async function killAmidst(sent: string[][]): Promise<number> {
  const missing = async () => {
    const there = new Set((await people.all()).map(String));
    return sent.filter((each) => !there.has(String(each))).length;
  };
  const arrived = { timeout: afterKillMs, interval: 5 };
  await vi.waitUntil(async () => (await missing()) < sent.length, arrived);
  const count = await missing();
  await people.restart();
  return count;
}

/** Until a run has succeeded: a service that is just up may still refuse to work. @returns how many have failed */
async function reconcile(mapping: string): Promise<number> {
  let failed = 0;
  const succeeds = async () => {
    const isFailed = hasFailed(await tenant.run(mapping, { kind: 'RECONCILE' }));
    failed += isFailed ? 1 : 0;
    return !isFailed;
  };
  await vi.waitUntil(succeeds, { timeout: afterKillMs, interval: 1_000 });
  return failed;
}

/** For no other reason than that the service is away, or went away at a write. */
function hasFailed({ state, errorReason }: Run): boolean {
  if (state === 'FAILED') expect(['PEER_UNAVAILABLE', 'PEER_RATE_LIMITED']).toContain(errorReason);
  return state === 'FAILED';
}

/** A title that the service refuses stays here, and everything else is exchanged. */
async function expectRefusal(mapping: string): Promise<void> {
  const [customer, other] = [...(await tenant.customers()).values()].filter((each) =>
    nameOf(each).startsWith('Person'),
  );
  if (!customer || !other) throw new Error('Nobody is left to be edited.');
  const { title } = people.customerFields;
  await tenant.api.updateCustomer(customer.id, { [title]: 'x'.repeat(101) });
  await tenant.api.updateCustomer(other.id, { [title]: 'Fits' });
  await tenant.run(mapping);
  const there = new Map((await people.all()) as [string, string][]);
  expect(there.get(nameOf(customer))).toBe(customer[title]);
  expect(there.get(nameOf(other))).toBe('Fits');
  const runs = await Promise.all(
    (await tenant.runs(mapping)).map(({ id }) => tenant.api.ok<Run>('GET', `/v1/syncRuns/${id}`)),
  );
  const issues = runs.flatMap((run) => run.issues ?? []).filter(({ reason }) => reason === 'VALUE_UNFIT');
  const kinds = (await tenant.conflicts(mapping)).map(({ kind }) => kind);
  expect([issues.length > 0, kinds]).toEqual(people.namesRefused ? [true, []] : [false, ['REJECTED']]);
  await tenant.api.updateCustomer(customer.id, { [title]: 'Fits too' });
  await tenant.run(mapping);
  expect(await tenant.conflicts(mapping)).toEqual([]);
}

/** Asks both sides for all that they have. */
async function expectSame(count: number): Promise<void> {
  const { title } = people.customerFields;
  const customers = [...(await tenant.customers()).values()].map((each) => [nameOf(each), each[title] as string]);
  expect((await people.all()).sort(byName)).toEqual(customers.sort(byName));
  expect(new Set(customers.map(([name]) => name)).size).toBe(count);
}

function nameOf(customer: Customer): string {
  return String(customer[people.customerFields.name]);
}

function byName([one = '']: string[], [other = '']: string[]): number {
  return one < other ? -1 : 1;
}
