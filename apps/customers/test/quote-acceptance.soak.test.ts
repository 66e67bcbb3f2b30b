import { DealStatus } from '@rapport/contracts/rapport/sales/v1/deal';
import { QuoteState } from '@rapport/contracts/rapport/sales/v1/quote';
import { AppError } from '@rapport/platform';
import { drawnBy, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.js';
import { QuotesTenant } from './quotes-tenant.js';
import { RunningCustomers } from './running-customers.js';

const rounds = sizeOf('QUOTE_ROUNDS', { short: 4, long: 400 });
const clients = sizeOf('QUOTE_CLIENTS', { short: 6, long: 12 });
const seed = printedSeed('acceptances of quotes');

let service: RunningCustomers;
let superuser: pg.Client;

beforeAll(async () => {
  service = await RunningCustomers.start();
  superuser = await service.connectAsSuperuser();
  // Ends the connection that writes to the table, as `kill -9` ends the process behind it: what it has not committed is lost.
  await superuser.query(`
    create table fault (name text primary key);
    create function die() returns trigger language plpgsql security definer as $$
    begin
      if exists (select from public.fault where name = tg_table_name || ' ' || tg_when) then
        perform pg_terminate_backend(pg_backend_pid());
      end if;
      return null;
    end $$;
    grant select on fault to public`);
  for (const table of written) {
    await superuser.query(
      `create trigger die_before before insert or update or delete on ${table} execute function die()`,
    );
    await superuser.query(
      `create trigger die_after after insert or update or delete on ${table} execute function die()`,
    );
  }
}, 120_000);
afterAll(async () => {
  await superuser.end();
  await service.stop();
});

/** What an acceptance writes to, beside the log. */
const written = ['deal', 'stage_entry', 'file_content', 'file_piece', 'file', 'public_link', 'quote', 'outbox'];
/** Where an acceptance can be killed. */
const faults = written.flatMap((table) => [`${table} BEFORE`, `${table} AFTER`]);

const form = { answer: 'accept', name: 'Ada' };

/** The outcome of an acceptance: the status of its page, or the reason of its failure. */
async function accept(tenant: QuotesTenant, token: string): Promise<string> {
  try {
    const { headers } = await tenant.answer(token, form);
    return headers.get(':status') ?? 'accepted';
  } catch (error) {
    if (error instanceof AppError) return error.reason;
    throw error;
  }
}

/** Repeats an acceptance that failed, as a person would, until its page or that of a used link is there. */
async function acceptUntilAnswered(tenant: QuotesTenant, token: string): Promise<string> {
  for (;;) {
    const outcome = await accept(tenant, token);
    if (outcome === 'accepted' || outcome === 'PAGE_NOT_FOUND') return outcome;
  }
}

/** Checks that a quote was accepted, and once. */
async function expectAcceptedOnce(tenant: QuotesTenant, quoteId: string, dealId: string): Promise<void> {
  const [quote, deal] = [await tenant.quote(quoteId), await tenant.deal(dealId)];
  // The third version: it was created, sent and accepted.
  expect([quote.state, quote.etag, deal.status]).toEqual([QuoteState.ACCEPTED, '"3"', DealStatus.WON]);
  const { files } = await service.call('listFiles', { record: `quotes/${quoteId}` }, tenant.caller);
  expect(files.map(({ id }) => id)).toEqual([quote.acceptance?.fileId]);
  expect((await tenant.entriesOf(deal)).map(({ stage }) => stage)).toEqual(['new', 'won']);
}

test(
  'an acceptance that is killed at any of its statements has changed nothing, and succeeds when it is repeated',
  { timeout: soakTimeoutMs },
  async () => {
    const tenant = new QuotesTenant(service);
    const outcomes: Record<string, number> = {};
    for (const fault of drawnBy(seed, faults, sizeOf('QUOTE_FAULTS', { short: 6, long: faults.length }))) {
      const deal = await tenant.newDeal();
      const { quote, token } = await tenant.sentQuote(deal);
      await superuser.query('insert into fault values ($1)', [fault]);
      const outcome = await accept(tenant, token);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      await superuser.query('delete from fault');

      expect(outcome, fault).not.toBe('accepted');
      expect(await tenant.quote(quote.id)).toEqual(quote);
      expect((await tenant.deal(deal.id)).etag).toBe(deal.etag);
      expect(await acceptUntilAnswered(tenant, token)).toBe('accepted');
      await expectAcceptedOnce(tenant, quote.id, deal.id);
    }
    printTally('killed acceptances', outcomes);
  },
);

test(
  'of concurrent acceptances, while connections are killed, exactly one takes effect',
  { timeout: soakTimeoutMs },
  async () => {
    const tenant = new QuotesTenant(service);
    const random = new SeedRandom(seed);
    const outcomes: Record<string, number> = {};
    for (let round = 0; round < rounds; round += 1) {
      const deal = await tenant.newDeal();
      const { quote, token } = await tenant.sentQuote(deal);
      let isDone = false;
      const kill = async () => {
        while (!isDone) {
          if (random.chance(0.3)) await superuser.query(killOne);
          else await superuser.query('select pg_sleep($1)', [random.next() * 0.01]);
        }
      };
      const killing = kill();
      const answers = await Promise.all(Array.from({ length: clients }, () => acceptUntilAnswered(tenant, token)));
      isDone = true;
      await killing;

      for (const answer of answers) outcomes[answer] = (outcomes[answer] ?? 0) + 1;
      // The connection of the one that took effect may have been killed behind its commit.
      expect(answers.filter((answer) => answer === 'accepted').length).toBeLessThanOrEqual(1);
      await expectAcceptedOnce(tenant, quote.id, deal.id);
    }
    printTally('concurrent acceptances', { rounds, clients, ...outcomes });
  },
);

const killOne = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and state in ('active', 'idle in transaction') and query ~ 'quote'
  limit 1`;
