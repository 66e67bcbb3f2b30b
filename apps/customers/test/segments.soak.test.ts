import { setTimeout as delay } from 'node:timers/promises';
import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { SegmentKind, SegmentState } from '@rapport/contracts/rapport/marketing/v1/segment';
import { AppError } from '@rapport/platform';
import { afterAll, expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { defineField } from './custom-field-requests.js';
import { company, customerOf, RunningCustomers, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { copyCustomer, pastTheLog } from './seeded-tenant.js';
import { SegmentTenant } from './segment-tenant.js';
import { TicketTenant } from './ticket-tenant.js';

/** Changes in all, how many go at once, after how many the segments are compared, and customers that stay as they are. */
const size = {
  changes: sizeOf('SEGMENT_CHANGES', { short: 40, long: 10_000 }),
  people: sizeOf('SEGMENT_PEOPLE', { short: 15, long: 200 }),
  compareEvery: sizeOf('SEGMENT_COMPARE_EVERY', { short: 20, long: 400 }),
  bystanders: sizeOf('SEGMENT_BYSTANDERS', { short: 0, long: 1_000_000 }),
};
const atOnce = 4;

/** Pause of each of two writers between changes while the lag is measured, in milliseconds. */
const editPauseMs = 50;

/** Most members of a segment that are compared with a list of customers, page by page. */
const maxListed = 2_000;

const own = size.bystanders > 0 ? await RunningCustomers.start() : undefined;
const service = own ?? (await sharedCustomers());
afterAll(() => own?.stop());

/** A tenant under random changes. */
class World {
  readonly segments = new Map<string, string>();
  readonly live: string[] = [];
  readonly deleted: string[] = [];
  readonly firms: string[] = [];
  readonly deals: string[] = [];
  readonly tickets: string[] = [];
  readonly merges: string[] = [];
  readonly tally: Record<string, number> = {};
  readonly tenant = new SegmentTenant(service);
  readonly #sales = new SalesTenant(service, this.tenant.caller);
  readonly #tickets = new TicketTenant(service, this.tenant.caller);
  #pipeline: Pipeline | undefined;
  #fixed = '';

  constructor(private readonly random: SeedRandom) {}

  async prepare(): Promise<void> {
    const { caller } = this.tenant;
    await defineField(service, caller, 'renewal', Type.TIME);
    this.#pipeline = await this.#sales.createPipeline();
    this.firms.push((await service.create(caller, company({ displayName: 'Engines' }))).id);
    for (let index = 0; index < size.people; index += 1) this.live.push(await this.tenant.createPerson(this.#values()));
    await this.#addBystanders();
    this.#fixed = (await this.tenant.createSegment({ kind: SegmentKind.STATIC })).id;
    const vips = await this.#define('tags = vip');
    await this.#define('lifecycleStage >= LEAD AND NOT tags = vip');
    const buyers = await this.#define('deals.status = OPEN OR deals.title = "big*"');
    await this.#define('tickets.priority = HIGH AND kind = PERSON');
    await this.#define('company.displayName = engines OR companyName = acme');
    await this.#define('customFields.renewal BETWEEN now-1s AND now+1s');
    await this.#define('createTime > now-2s OR updateTime > now-3s');
    await this.#define(`segmentMembers.segmentId = ${buyers} AND NOT segmentMembers.segmentId = ${vips}`);
    await this.#define('kind = PERSON', [vips, this.#fixed]);
    await this.#define('associations.knows.tags = vip');
  }

  /** Most are in none of the segments, and none are in all. */
  async #addBystanders(): Promise<void> {
    if (!own || size.bystanders === 0) return;
    const kinds = 10;
    for (let index = 0; index < kinds; index += 1) {
      const id = await this.tenant.createPerson({
        ...{
          kind: index < 3 ? CustomerKind.PERSON : CustomerKind.COMPANY,
          tags: index === 0 ? ['vip'] : ['other'],
        },
        ...{ lifecycleStage: index < 2 ? 3 : 1, companyName: index === 4 ? 'Acme' : undefined },
        ...{ customFields: { renewal: '2020-01-01T00:00:00Z' } },
      });
      await copyCustomer(own, id, Math.floor(size.bystanders / kinds));
    }
    await pastTheLog(own, (client) => client.query('vacuum analyze customer'));
  }

  /** Waits until the segments are built. */
  async built(): Promise<void> {
    for (const id of this.segments.keys()) {
      const isLive = async () => (await this.tenant.getSegment(id)).state === SegmentState.LIVE;
      await expect.poll(isLive, { timeout: soakTimeoutMs, interval: 200 }).toBe(true);
    }
  }

  async #define(filter: string, excludeSegmentIds: string[] = []): Promise<string> {
    const { id } = await this.tenant.createSegment({ filter, excludeSegmentIds });
    this.segments.set(id, filter);
    return id;
  }

  #values() {
    const { random } = this;
    const renewal = new Date(Date.now() + random.below(6_000) - 2_000).toISOString();
    return {
      tags: random.below(2) === 0 ? ['vip'] : ['other'],
      lifecycleStage: 1 + random.below(5),
      customFields: { renewal },
      companyId: random.below(3) === 0 ? this.firms[0] : undefined,
      companyName: random.below(5) === 0 ? 'Acme' : undefined,
    };
  }

  /** One change, which a race may refuse. */
  async change(): Promise<void> {
    const kinds = Object.keys(this.changes).filter((each) => each !== 'rebuild' || size.bystanders === 0);
    // More changes end people than create them: without these, most changes would find nobody.
    const kind = this.live.length < size.people / 2 ? 'create' : this.random.pick(kinds);
    try {
      await this.changes[kind]?.();
      this.#count(kind);
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'INTERNAL') throw error;
      this.#count(`${kind} refused`);
    }
  }

  #count(what: string): void {
    this.tally[what] = (this.tally[what] ?? 0) + 1;
  }

  #call(name: Parameters<typeof service.call>[0], request: object) {
    return service.call(name, request, this.tenant.caller);
  }

  #one(of: readonly string[]): string {
    if (of.length === 0) throw new AppError('NOT_FOUND', 'NONE_LEFT', 'There is none.');
    return this.random.pick(of);
  }

  #take(from: string[]): string {
    const one = this.#one(from);
    from.splice(from.indexOf(one), 1);
    return one;
  }

  /** Edits weigh as much as all that moves, ends or restores people. */
  private readonly changes: Readonly<Record<string, () => Promise<unknown>>> = {
    create: async () => void this.live.push(await this.tenant.createPerson(this.#values())),
    edit: () => this.#edit(this.#one(this.live)),
    editAgain: () => this.#edit(this.#one(this.live)),
    rename: () => {
      const customer = customerOf({ displayName: this.random.pick(['Engines', 'Machines']) });
      return this.#call('updateCustomer', { id: this.firms[0], customer, updateMask: ['displayName'] });
    },
    delete: async () => {
      const id = this.#take(this.live);
      await this.#call('deleteCustomer', { id });
      this.deleted.push(id);
    },
    undelete: async () => {
      const id = this.#take(this.deleted);
      await this.#call('undeleteCustomer', { id });
      this.live.push(id);
    },
    merge: async () => {
      const mergedId = this.#take(this.live);
      const request = { id: this.#one(this.live), merge: { mergedId, preferMerged: [] } };
      const { merge } = await service.call('mergeCustomers', request, this.tenant.caller);
      if (merge) this.merges.push(merge.id);
    },
    unmerge: () => this.#call('unmergeCustomers', { id: this.#take(this.merges) }),
    erase: () => this.#call('eraseCustomer', { id: this.#take(this.live), erasure: { reason: 'asked for' } }),
    deal: async () => {
      const given = { customerId: this.#one(this.live), title: this.random.pick(['Big one', 'Small one']) };
      this.deals.push((await this.#sales.createDeal(this.#pipeline!, given)).id);
    },
    moveDeal: () => this.#sales.updateDeal(this.#one(this.deals), { customerId: this.#one(this.live) }),
    deleteDeal: () => this.#call('deleteDeal', { id: this.#take(this.deals) }),
    ticket: async () => void this.tickets.push((await this.#tickets.createTicket(this.#one(this.live))).id),
    raiseTicket: () => this.#tickets.updateTicket(this.#one(this.tickets), { priority: 1 + this.random.below(4) }),
    associate: () => {
      const ends = { fromCustomerId: this.#one(this.live), toCustomerId: this.#one(this.live) };
      const association = { ...Association.decode(new Uint8Array()), type: 'knows', ...ends };
      return this.#call('createAssociation', { association });
    },
    add: () => this.#call('addSegmentMembers', { id: this.#fixed, members: { customerIds: [this.#one(this.live)] } }),
    remove: () => {
      const members = { customerIds: [this.#one(this.live)] };
      return this.#call('removeSegmentMembers', { id: this.#fixed, members });
    },
    rebuild: () => this.#call('rebuildSegment', { id: this.random.pick([...this.segments.keys()]) }),
  };

  #edit(id: string) {
    const values = this.#values();
    const name = this.random.pick(['tags', 'lifecycleStage', 'customFields', 'companyId', 'companyName'] as const);
    return this.#call('updateCustomer', { id, customer: customerOf({ [name]: values[name] }), updateMask: [name] });
  }

  /** Compares each segment with a list of customers by its filter, whose SQL is another one, and by its own verification. */
  async compare(): Promise<void> {
    for (const [id, filter] of this.segments) {
      const verified = await this.tenant.verify(id);
      expect({ filter, ...verified }).toMatchObject({ equal: true, missingIds: [], extraIds: [] });
      this.#count('verified');
      if (/now|segmentMembers|^kind/.test(filter) || verified.size > maxListed) continue;
      expect(await this.tenant.membersOf(id), filter).toEqual((await this.#customers(filter)).toSorted());
      this.#count('compared with a list');
    }
    expect(await this.tenant.verify(this.#fixed)).toMatchObject({ equal: true });
  }

  async #customers(filter: string): Promise<string[]> {
    const ids: string[] = [];
    let pageToken: string | undefined;
    do {
      const page = await service.call('listCustomers', { filter, pageSize: 200, pageToken }, this.tenant.caller);
      ids.push(...page.customers.map(({ id }) => id));
      pageToken = page.nextPageToken === '' ? undefined : page.nextPageToken;
    } while (pageToken !== undefined);
    return ids;
  }

  /** Milliseconds from the answer to a write until the customer is listed as a member. */
  async lagMs(): Promise<number> {
    const [vips] = this.segments.keys();
    const id = await this.tenant.createPerson({ tags: ['vip'] });
    const began = performance.now();
    const request = { filter: `segmentId = ${vips} AND customerId = ${id}` };
    while ((await service.call('listSegmentMembers', request, this.tenant.caller)).segmentMembers.length === 0)
      await delay(5); // The lag is measured to 5 ms.
    return performance.now() - began;
  }
}

test(
  'after random changes, merges, erasures and passing time, each segment has exactly the customers that its filter selects',
  async () => {
    const world = new World(new SeedRandom(printedSeed('segments')));
    await world.prepare();
    const began = performance.now();
    await world.built();
    const builtSeconds = Math.round((performance.now() - began) / 1_000);
    for (let done = 0; done < size.changes; done += size.compareEvery) {
      const count = Math.min(size.compareEvery, size.changes - done) / atOnce;
      const run = async () => {
        for (let index = 0; index < count; index += 1) await world.change();
      };
      await Promise.all(Array.from({ length: atOnce }, run));
      await world.compare();
    }
    const lags: number[] = [];
    let isOver = false;
    const edits = async () => {
      while (!isOver) {
        await world.change();
        await delay(editPauseMs); // The lag amid edits at a steady rate: writers without pauses would measure the processor.
      }
    };
    const editing = [edits(), edits()];
    for (let index = 0; index < (isSoak ? 500 : 3); index += 1) lags.push(await world.lagMs());
    isOver = true;
    await Promise.all(editing);
    await world.compare();
    lags.sort((one, other) => one - other);
    const at = (share: number) => Math.round(lags[Math.floor((lags.length - 1) * share)] ?? 0);
    const { bystanders } = size;
    printTally('segments', { ...world.tally, bystanders, builtSeconds, lagP50Ms: at(0.5), lagP99Ms: at(0.99) });
    expect(world.tally['verified']).toBeGreaterThan(0);
  },
  soakTimeoutMs,
);
