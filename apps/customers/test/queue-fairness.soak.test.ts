import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { AppError, type Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { sharedCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';
import { SupportTenant } from './support-tenant.js';
import { TicketTenant } from './ticket-tenant.js';

const size = {
  agents: sizeOf('QUEUE_AGENTS', { short: 64, long: 64 }),
  tickets: sizeOf('QUEUE_TICKETS', { short: 100, long: 6_000 }),
};

const service = await sharedCustomers();

/** A lease that an agent was given: `start` and `end` order the calls of all agents. */
interface Grant {
  ticketId: string;
  start: number;
  end: number;
}

test(
  `${size.agents} agents are leased each ticket of a queue, no ticket twice, the oldest first, over agents that die`,
  async () => {
    const random = new SeedRandom(printedSeed('queue-fairness'));
    const tenant = new TicketTenant(service);
    const queue = await new SupportTenant(service, tenant.caller).createQueue('billing', { leaseSeconds: 3_600 });
    const customerId = await tenant.createRequester();
    const ages = new Map<string, number>();
    for (let age = 0; age < size.tickets; age += 1) {
      ages.set((await tenant.createTicket(customerId, { queueId: queue.id })).id, age);
    }
    const superuser = await superuserOf(service.urls.ownerUrl);
    let clock = 0;
    const grants: Grant[] = [];
    /** When tickets began to wait: first, and after each lease that ended. */
    const waits = new Map([...ages.keys()].map((id) => [id, [0]]));
    const holders = new Map<string, string>();
    const takenBy = new Map<string, string>();
    const tally: Record<string, number> = {};
    const count = (what: string) => (tally[what] = (tally[what] ?? 0) + 1);
    const newAgent = (): Caller => ({ ...tenant.caller, principalId: `user:${v7()}` });

    /** A call that finds all connections of the tenant in use has done nothing, and is made again. */
    const untilAccepted = async <Result>(call: () => Promise<Result>): Promise<Result> => {
      for (;;) {
        try {
          return await call();
        } catch (error) {
          if (!(error instanceof AppError) || error.code !== 'RESOURCE_EXHAUSTED') throw error;
          count('refused calls');
        }
      }
    };
    const next = async (caller: Caller): Promise<string | undefined> => {
      clock += 1;
      const start = clock;
      const { ticket } = await untilAccepted(() => service.call('nextTicket', { id: queue.id }, caller));
      clock += 1;
      if (!ticket) return undefined;
      expect(takenBy.get(ticket.id), 'a taken ticket').toBeUndefined();
      expect(holders.get(ticket.id), 'a ticket of another agent').toBeUndefined();
      holders.set(ticket.id, caller.principalId);
      grants.push({ ticketId: ticket.id, start, end: clock });
      return ticket.id;
    };
    const end = async (ticketId: string, ending: () => Promise<unknown>) => {
      holders.delete(ticketId);
      await ending();
      clock += 1;
      waits.get(ticketId)!.push(clock);
    };
    const work = async (): Promise<void> => {
      let caller = newAgent();
      for (;;) {
        const ticketId = await next(caller);
        if (ticketId === undefined) return;
        count('leases');
        const choice = random.next();
        if (choice < 0.1) {
          // The answer was lost, so the agent asks again.
          const again = await untilAccepted(() => service.call('nextTicket', { id: queue.id }, caller));
          expect(again.ticket?.id).toBe(ticketId);
          count('repeated calls');
        }
        if (choice < 0.6) {
          holders.delete(ticketId);
          await untilAccepted(() => service.call('takeTicket', { id: ticketId }, caller));
          expect(takenBy.has(ticketId)).toBe(false);
          takenBy.set(ticketId, caller.principalId);
          count('taken');
        } else if (choice < 0.8) {
          const giveBack = { id: queue.id, return: { ticketId } };
          await end(ticketId, () => untilAccepted(() => service.call('returnTicket', giveBack, caller)));
          count('given back');
        } else {
          // The agent dies, and its lease expires.
          await end(ticketId, () =>
            superuser.query('update ticket_lease set expire_time = now() where ticket_id = $1', [ticketId]),
          );
          caller = newAgent();
          count('dead agents');
        }
      }
    };
    await Promise.all(Array.from({ length: size.agents }, work));
    await superuser.end();

    printTally('leases of a queue', { ...tally, tickets: size.tickets, agents: size.agents });
    expect([...takenBy.keys()].toSorted()).toEqual([...ages.keys()].toSorted());
    expect(overtaken(grants, ages, waits)).toEqual([]);
  },
  isSoak ? soakTimeoutMs : 120_000,
);

/** Leases of a ticket during which an older one waited from before the call until after it. */
function overtaken(
  grants: readonly Grant[],
  ages: ReadonlyMap<string, number>,
  waits: ReadonlyMap<string, number[]>,
): string[] {
  const starts = Map.groupBy(grants, ({ ticketId }) => ticketId);
  return grants.flatMap(({ ticketId, start, end }) =>
    [...ages].flatMap(([older, age]) => {
      if (age >= ages.get(ticketId)!) return [];
      const began = waits.get(older)!.findLast((time) => time < start);
      const ended = starts.get(older)?.find((grant) => grant.end > (began ?? 0));
      return began !== undefined && ended !== undefined && ended.start > end ? [`${older} before ${ticketId}`] : [];
    }),
  );
}
