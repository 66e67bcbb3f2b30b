import { OpenTickets } from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaClock, SlaMetric, SlaPolicy, SlaTarget } from '@rapport/contracts/rapport/support/v1/sla_policy';
import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { cutCustomers } from './cut-customers.js';
import { newCalendar } from './new-calendar.js';
import { ticket, TicketTenant } from './ticket-tenant.js';

const rounds = sizeOf('SLA_CUT_ROUNDS', { short: 1, long: 25 });
const ticketsOfRound = 20;
/** A pool takes seconds to give up a cut connection. */
const cutsOfRound = isSoak ? Infinity : 1;
/** Statements of a transaction that fires a batch, or less. */
const places = 60;

const { service, proxy } = await cutCustomers();
const superuser = await service.connectAsSuperuser();
afterAll(() => superuser.end());

test(
  'each warning and each breach is one change with its due time, wherever the transactions that fire them are cut',
  async () => {
    const random = new SeedRandom(printedSeed('sla-cuts'));
    let cut = 0;
    for (let round = 0; round < rounds; round += 1) {
      const tenant = new TicketTenant(service);
      await activatePolicy(tenant);
      const customerId = await tenant.createRequester();
      const items = Array.from({ length: ticketsOfRound }, () => ({ ticket: ticket({ customerId }) }));
      await service.call('batchCreateTickets', { batch: { items, mode: 1 } }, tenant.caller);
      const { tenantId } = tenant.caller;
      const isDone = async () => (await breached(tenantId)) === ticketsOfRound;
      for (let tried = 0; tried < cutsOfRound && !(await isDone()); tried += 1) {
        const before = await versions(tenantId);
        const place = 1 + random.below(places);
        proxy.plan(tenantId, random.below(2) === 0 ? { before: place } : { after: place });
        await expect.poll(async () => proxy.result.isCut || (await isDone()), { timeout: 60_000 }).toBe(true);
        if (proxy.result.isCut) cut += 1;
        // A batch that is always cut would never end.
        proxy.plan('nothing');
        await expect
          .poll(async () => (await versions(tenantId)) > before || (await isDone()), { timeout: 60_000 })
          .toBe(true);
      }
      await expect.poll(isDone, { timeout: 60_000 }).toBe(true);
      await checkTimers(tenant);
    }
    printTally('sla-cuts', { rounds, tickets: rounds * ticketsOfRound, cut });
    expect(cut).toBeGreaterThanOrEqual(rounds);
  },
  isSoak ? soakTimeoutMs : 120_000,
);

async function activatePolicy(tenant: TicketTenant): Promise<void> {
  const { caller } = tenant;
  const { id: calendarId } = await service.call('createCalendar', { calendar: newCalendar() }, caller);
  const wanted = { metric: SlaMetric.RESOLUTION, withinSeconds: 2, clock: SlaClock.WALL, warnBeforeSeconds: [1] };
  const targets = [{ ...SlaTarget.decode(new Uint8Array()), ...wanted }];
  const slaPolicy = { ...SlaPolicy.decode(new Uint8Array()), key: 'all', name: 'All', calendarId, targets };
  const { id } = await service.call('createSlaPolicy', { slaPolicy }, caller);
  await service.call('activateSlaPolicy', { id, activation: { openTickets: OpenTickets.KEEP } }, caller);
}

async function breached(tenantId: string): Promise<number> {
  const { rows } = await superuser.query<{ count: string }>(
    'select count(*) from sla_timer join ticket on ticket.id = ticket_id where ticket.tenant_id = $1 and is_breached and breach_time is not null',
    [tenantId],
  );
  return Number(rows[0]!.count);
}

/** Changes of timers so far. */
async function versions(tenantId: string): Promise<number> {
  const { rows } = await superuser.query<{ sum: string }>('select sum(version) from sla_timer where tenant_id = $1', [
    tenantId,
  ]);
  return Number(rows[0]!.sum);
}

/** A timer has a version when it is created, and one each for the warning and the breach. */
async function checkTimers(tenant: TicketTenant): Promise<void> {
  const { slaTimers } = await service.call('listSlaTimers', { pageSize: 200 }, tenant.caller);
  expect(slaTimers).toHaveLength(ticketsOfRound);
  for (const { id, etag, startTime, warnings, breachTime } of slaTimers) {
    const at = (seconds: number) => new Date(Date.parse(startTime!) + seconds * 1_000).toISOString();
    const warning = { beforeSeconds: 1, time: at(1) };
    expect({ etag, breachTime, warnings }).toEqual({ etag: '"3"', breachTime: at(2), warnings: [warning] });
    expect(await service.call('verifySlaTimer', { id }, tenant.caller)).toMatchObject({ equal: true });
  }
}
