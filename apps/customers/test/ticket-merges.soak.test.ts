import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { OpenTickets } from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaClock, SlaMetric, SlaPolicy, SlaTarget } from '@rapport/contracts/rapport/support/v1/sla_policy';
import { SlaTimerEnd, type SlaTimer } from '@rapport/contracts/rapport/support/v1/sla_timer';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { newCalendar } from './new-calendar.js';
import { sharedCustomers } from './running-customers.js';
import { TicketTenant } from './ticket-tenant.js';

const size = {
  tickets: sizeOf('MERGED_TICKETS', { short: 6, long: 40 }),
  steps: sizeOf('MERGE_STEPS', { short: 50, long: 3_000 }),
};

const service = await sharedCustomers();

/** Where an entry is, and the ticket that it was written for if that is another one. */
interface Place {
  ticket: string;
  origin: string | undefined;
}

/** What a merge has moved, and what it must bring back. */
interface Merge {
  survivor: string;
  moved: Map<string, Place>;
  before: { ticket: object; timers: object[] };
}

/** A tenant whose merges and splits are followed by a model in memory. */
class MergedTickets {
  readonly ids: string[] = [];
  readonly entries = new Map<string, Place>();
  readonly merges = new Map<string, Merge>();
  /** The ticket that each split ticket is from. */
  readonly splits = new Map<string, string>();

  constructor(
    readonly tenant: TicketTenant,
    readonly customerId: string,
  ) {}

  async create(): Promise<void> {
    this.ids.push((await this.tenant.createTicket(this.customerId)).id);
  }

  /** Tickets that are merged into no other one. */
  get open(): string[] {
    return this.ids.filter((id) => !this.merges.has(id));
  }

  entriesAt(ticket: string): string[] {
    return [...this.entries].flatMap(([id, place]) => (place.ticket === ticket ? [id] : []));
  }

  note(ticket: string, id: string): void {
    this.entries.set(id, { ticket, origin: undefined });
  }

  async merge(from: string, to: string): Promise<void> {
    const [before, survivor] = [await this.stateOf(from), await this.stateOf(to)];
    const wasLive = (await this.timersOf(from)).filter(({ live }) => live);
    await this.tenant.service.call('mergeTicket', { id: from, merge: { intoId: to } }, this.tenant.caller);
    const moved = new Map(this.entriesAt(from).map((id) => [id, this.entries.get(id)!]));
    for (const id of moved.keys()) this.move(id, from, to);
    this.merges.set(from, { survivor: to, moved, before });
    // The timers of the merged ticket end, and those of the survivor stay as they are.
    const liveBefore = new Set(wasLive.map(({ id }) => id));
    for (const timer of await this.timersOf(from)) {
      expect(timer.live).toBe(false);
      if (liveBefore.has(timer.id)) expect(timer.endReason).toBe(SlaTimerEnd.MERGED);
    }
    expect((await this.stateOf(to)).timers).toEqual(survivor.timers);
  }

  async undo(from: string): Promise<void> {
    const { survivor, moved, before } = this.merges.get(from)!;
    await this.tenant.service.call('undoTicketMerge', { id: from }, this.tenant.caller);
    for (const [id, place] of moved) if (this.entries.get(id)!.ticket === survivor) this.entries.set(id, place);
    this.merges.delete(from);
    expect(await this.stateOf(from)).toEqual(before);
  }

  async split(from: string, ids: string[]): Promise<void> {
    const before = await this.stateOf(from);
    const split = { entryIds: ids, subject: undefined };
    const { created } = await this.tenant.service.call('splitTicket', { id: from, split }, this.tenant.caller);
    // A merge of the new ticket into this one is the way back: so nothing else may change.
    expect(await this.stateOf(from)).toEqual(before);
    this.ids.push(created!.id);
    this.splits.set(created!.id, from);
    for (const id of ids) this.move(id, from, created!.id);
  }

  /** What people see of a ticket and its promises, without what each write changes. */
  async stateOf(id: string): Promise<Merge['before']> {
    const {
      etag: _etag,
      updateTime: _time,
      updatedBy: _by,
      tags: _tags,
      ...ticket
    }: Ticket = await this.tenant.getTicket(id);
    return { ticket, timers: (await this.timersOf(id)).map(shownTimer) };
  }

  async timersOf(id: string): Promise<SlaTimer[]> {
    const request = { filter: `ticketId = ${id}`, pageSize: 200 };
    const { slaTimers } = await this.tenant.service.call('listSlaTimers', request, this.tenant.caller);
    return slaTimers.toSorted((one, other) => one.metric - other.metric || one.cycle - other.cycle);
  }

  private move(id: string, from: string, to: string): void {
    const origin = this.entries.get(id)!.origin ?? from;
    this.entries.set(id, { ticket: to, origin: origin === to ? undefined : origin });
  }
}

function shownTimer({ id: _id, etag: _etag, updateTime: _time, updatedBy: _by, ...timer }: SlaTimer): object {
  return timer;
}

async function activatePolicy({ caller }: TicketTenant): Promise<void> {
  const { id: calendarId } = await service.call('createCalendar', { calendar: newCalendar() }, caller);
  const metrics = [SlaMetric.FIRST_RESPONSE, SlaMetric.NEXT_RESPONSE, SlaMetric.RESOLUTION];
  const targets = metrics.map((metric, index) => ({
    ...SlaTarget.decode(new Uint8Array()),
    ...{ metric, withinSeconds: 864_000, clock: index === 0 ? SlaClock.WALL : SlaClock.BUSINESS },
  }));
  const slaPolicy = { ...SlaPolicy.decode(new Uint8Array()), key: 'all', name: 'All', calendarId, targets };
  const { id } = await service.call('createSlaPolicy', { slaPolicy }, caller);
  await service.call('activateSlaPolicy', { id, activation: { openTickets: OpenTickets.KEEP } }, caller);
}

test(
  'random merges, undone merges and splits leave each entry where it belongs, and each timer as it was',
  async () => {
    const random = new SeedRandom(printedSeed('ticket-merges'));
    const tenant = new TicketTenant(service);
    await activatePolicy(tenant);
    const model = new MergedTickets(tenant, await tenant.createRequester());
    for (let index = 0; index < size.tickets; index += 1) await model.create();
    const tally: Record<string, number> = {};

    const steps: Record<string, () => Promise<unknown>> = {
      async message() {
        const id = random.pick(model.open);
        model.note(id, (await tenant.message(id, `entry ${random.below(1_000)}`)).entry!.id);
      },
      async reply() {
        const id = random.pick(model.open);
        model.note(id, (await tenant.reply(id)).entry!.id);
      },
      async solve() {
        await service.call('solveTicket', { id: random.pick(model.open) }, tenant.caller);
      },
      async merge() {
        const [from, to] = [random.pick(model.open), random.pick(model.open)];
        if (from !== to) await model.merge(from, to);
      },
      async undo() {
        const undone = [...model.merges].flatMap(([id, { survivor }]) => (model.merges.has(survivor) ? [] : [id]));
        if (undone.length > 0) await model.undo(random.pick(undone));
      },
      async split() {
        const from = random.pick(model.open);
        const ids = model.entriesAt(from).filter(() => random.chance(0.5));
        if (ids.length > 0 && ids.length <= 100) await model.split(from, ids);
      },
      async unsplit() {
        const open = new Set(model.open);
        const back = [...model.splits].filter(([id, from]) => open.has(id) && open.has(from));
        if (back.length > 0) await model.merge(...random.pick(back));
      },
    };
    const names = ['message', 'message', 'reply', 'solve', 'merge', 'merge', 'undo', 'undo', 'split', 'unsplit'];
    for (let step = 0; step < size.steps; step += 1) {
      const name = random.pick(names);
      tally[name] = (tally[name] ?? 0) + 1;
      await steps[name]!();
      if (model.open.length < 3) await model.create();
    }

    printTally('merges of tickets', { ...tally, tickets: model.ids.length, entries: model.entries.size });
    const found = new Map<string, Place>();
    for (const id of model.ids) {
      for (const entry of await tenant.entriesOf({ id })) {
        if (entry.kind !== TicketEntryKind.SYSTEM) found.set(entry.id, { ticket: id, origin: entry.originTicketId });
      }
      for (const { id: timerId } of await model.timersOf(id)) {
        expect(await service.call('verifySlaTimer', { id: timerId }, tenant.caller)).toMatchObject({ equal: true });
      }
    }
    expect(found).toEqual(model.entries);
  },
  isSoak ? soakTimeoutMs : 120_000,
);
