import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { BatchMode } from '@rapport/contracts/rapport/api/v1/records';
import { AssignmentSkipReason, type AssignmentSkip } from '@rapport/contracts/rapport/work/v1/assignment';
import type { AssignmentMember, AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import type { Calendar, CalendarDay } from '@rapport/contracts/rapport/work/v1/calendar';
import { formatEtag } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import type pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { newCalendar } from './new-calendar.js';
import { person, RunningCustomers } from './running-customers.js';
import { lead, rule, SalesTenant } from './sales-tenant.js';
import { killBusy, superuserOf } from './superuser.js';

const size = {
  clients: 64,
  calls: sizeOf('ASSIGNED_CALLS', { short: 2, long: 100 }),
  batches: sizeOf('ASSIGNED_BATCHES', { short: 1, long: 20 }),
  changes: sizeOf('ASSIGNMENT_CHANGES', { short: 4, long: 100 }),
  kills: sizeOf('ASSIGNMENT_KILLS', { short: 4, long: 100 }),
};

let service: RunningCustomers;

// A service of its own: its connections are killed.
beforeAll(async () => {
  service = await RunningCustomers.start();
}, 120_000);
afterAll(() => service.stop());

interface ChoiceRow {
  rule_version: number;
  user_id: string | null;
  owner_id: string | null;
  skipped: AssignmentSkip[];
}

test(
  '64 clients and batches of 1,000 are divided fairly to one, over killed connections, while members come, go, are off hours or disabled',
  async () => {
    const random = new SeedRandom(printedSeed('assignment'));
    const tenant = new SalesTenant(service);
    const { id: customerId } = await service.create(tenant.caller, person());
    const users = Array.from({ length: 9 }, () => v7());
    const days = [1, 2, 3, 4, 5, 6, 7] satisfies CalendarDay[];
    const calendarOf = async (weekly: Calendar['weekly']) =>
      (await service.call('createCalendar', { calendar: newCalendar({ weekly }) }, tenant.caller)).id;
    const always = await calendarOf(days.map((day) => ({ day, opens: '00:00', closes: '24:00' })));
    const never = await calendarOf([]);
    /** The members by version of the rule, with the reason to skip them. */
    const versions = new Map<number, Map<string, AssignmentSkipReason | undefined>>();
    const pick = () => {
      const chosen = users.filter(() => random.below(3) > 0);
      return rule(chosen.length > 0 ? chosen : users).members.map((each) => ({
        ...each,
        paused: random.below(6) === 0,
        calendarId: [undefined, always, never][Math.max(random.below(6) - 3, 0)],
      }));
    };
    let inactive: readonly string[] = [];
    const reasonOf = ({ userId, paused, calendarId }: AssignmentMember) => {
      if (inactive.includes(userId)) return AssignmentSkipReason.INACTIVE;
      return paused ? AssignmentSkipReason.PAUSED : calendarId === never ? AssignmentSkipReason.OFF_HOURS : undefined;
    };
    const note = ({ etag, members }: AssignmentRule) =>
      versions.set(Number(etag.slice(1, -1)), new Map(members.map((each) => [each.userId, reasonOf(each)])));
    const created = await tenant.createRule(users);
    note(created);
    const tally: Record<string, number> = { lost: 0, kills: 0 };

    /** Until the outcome is known: a repeated request is not done twice. */
    const untilKnown = async <Answer>(call: (requestId: string) => Promise<Answer>): Promise<Answer> => {
      const requestId = v7();
      for (;;) {
        try {
          return await call(requestId);
        } catch (error) {
          if (error instanceof AppError && error.code === 'INVALID_ARGUMENT') throw error;
          tally['lost'] = (tally['lost'] ?? 0) + 1;
        }
      }
    };
    const client = async () => {
      for (let call = 0; call < size.calls; call += 1) {
        await untilKnown((requestId) =>
          service.call('createLead', { lead: lead({ customerId }), requestId }, tenant.caller),
        );
      }
    };
    const batches = async () => {
      for (let batch = 0; batch < size.batches; batch += 1) {
        const items = Array.from({ length: 1_000 }, () => ({ lead: lead({ customerId }) }));
        const request = { batch: { mode: BatchMode.ATOMIC, items } };
        await untilKnown((requestId) => service.call('batchCreateLeads', { ...request, requestId }, tenant.caller));
      }
    };
    let isOver = false;
    const superuser = await superuserOf(service.urls.ownerUrl);
    const createdSoFar = async () => {
      const { rows } = await superuser.query<{ count: number }>('select count(*)::int as count from assignment');
      return rows[0]?.count ?? 0;
    };
    const total = size.clients * size.calls + size.batches * 1_000;
    const reached = async (share: number) => {
      while (!isOver && (await createdSoFar()) < share * total);
    };
    const changes = async () => {
      for (let change = 0; change < size.changes; change += 1) {
        await reached(change / size.changes);
        const assignmentRule = rule([], { members: pick() });
        const request = { id: created.id, assignmentRule, updateMask: ['members'] };
        const updated = await untilKnown((requestId) =>
          service.call('updateAssignmentRule', { ...request, requestId }, tenant.caller),
        );
        note(updated);
        inactive = users.filter(() => random.below(6) === 0);
        note({ ...updated, etag: formatEtag(await disable(inactive)) });
      }
    };
    /** Under the lock of the rule, so that its next version has these users. @returns the version */
    const disable = async (userIds: readonly string[]): Promise<number> => {
      const { rows } = await superuser.query<{ version: number }>(
        `with disabled as (
           insert into user_state (tenant_id, user_id, position, is_inactive)
             select $1, id, 1, id = any ($4) from unnest($3::uuid[]) users (id)
             on conflict (tenant_id, user_id) do update set is_inactive = excluded.is_inactive)
         update assignment_rule set version = version + 1 where tenant_id = $1 and id = $2 returning version`,
        [tenant.caller.tenantId, created.id, users, userIds],
      );
      return rows[0]!.version;
    };
    const kills = async () => {
      for (let kill = 0; kill < size.kills; kill += 1) {
        await reached((kill + 0.5) / size.kills);
        tally['kills'] = (tally['kills'] ?? 0) + (await killBusy(superuser, 2));
      }
    };
    const writers = Promise.all([...Array.from({ length: size.clients }, client), batches()]);
    await Promise.all([writers.finally(() => (isOver = true)), changes(), kills()]);

    const choices = await choicesOf(superuser, tenant.caller.tenantId);
    await superuser.end();
    printTally('assignments', { total, choices: choices.length, versions: versions.size, ...tally });
    expect(choices).toHaveLength(total);
    expect(choices.filter(({ user_id: chosen, owner_id: owner }) => chosen !== owner)).toEqual([]);
    for (const [version, own] of Map.groupBy(choices, (row) => row.rule_version)) {
      const members = versions.get(version);
      const away = [...(members ?? [])].flatMap(([userId, reason]) =>
        reason === undefined ? [] : [{ userId, reason }],
      );
      const able = [...(members ?? [])].flatMap(([userId, reason]) => (reason === undefined ? [userId] : []));
      const counts = able.map((userId) => own.filter((row) => row.user_id === userId).length);
      expect(Math.max(...counts) - Math.min(...counts), `version ${version}: ${counts.join(' ')}`).toBeLessThanOrEqual(
        1,
      );
      // Without a member that can get it, a record has no owner.
      const isChosen = ({ user_id: chosen }: ChoiceRow) =>
        chosen === null ? able.length === 0 : able.includes(chosen);
      expect(own.filter((row) => !isChosen(row))).toEqual([]);
      for (const { skipped } of own) expect(skipped).toEqual(away);
    }
  },
  isSoak ? soakTimeoutMs : 120_000,
);

test('a tenant whose rules are locked delays no other tenant, and one without rules takes no statement for them', async () => {
  const [slow, other, ruleless] = [new SalesTenant(service), new SalesTenant(service), new SalesTenant(service)];
  const customerOf = async (tenant: SalesTenant) => (await service.create(tenant.caller, person())).id;
  const [slowCustomer, otherCustomer, rulelessCustomer] = await Promise.all([slow, other, ruleless].map(customerOf));
  const { id: ruleId } = await slow.createRule([v7()]);
  await other.createRule([v7()]);
  const superuser = await superuserOf(service.urls.ownerUrl);

  await superuser.query('begin');
  await superuser.query('select from assignment_rule where id = $1 for update', [ruleId]);
  let isWaiting = true;
  const waiting = slow.createLead(slowCustomer!).finally(() => (isWaiting = false));
  for (let made = 0; made < 5; made += 1) expect((await other.createLead(otherCustomer!)).ownerId).toBeDefined();
  expect(isWaiting).toBe(true);
  await superuser.query('commit');
  expect((await waiting).ownerId).toBeDefined();

  // A process caches for a second that a tenant has no rules. On a busy machine, the second may be over before the lock.
  const createdUnderLock = async () => {
    await ruleless.createLead(rulelessCustomer!);
    await superuser.query('begin');
    await superuser.query('lock table assignment_rule, assignment, assignment_turn in access exclusive mode');
    const created = await ruleless.createLead(rulelessCustomer!).catch(() => undefined);
    await superuser.query('rollback');
    return created !== undefined;
  };
  await expect.poll(createdUnderLock, { timeout: 60_000 }).toBe(true);
  await superuser.end();
});

async function choicesOf(superuser: pg.Client, tenantId: string): Promise<ChoiceRow[]> {
  const { rows } = await superuser.query<ChoiceRow>(
    `select rule_version, user_id, lead.owner_id, skipped from assignment
     join lead on lead.tenant_id = assignment.tenant_id and lead.id = record_id
     where assignment.tenant_id = $1`,
    [tenantId],
  );
  return rows;
}
