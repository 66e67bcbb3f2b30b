import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { CampaignState } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { RecipientState } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import type { ClaimedRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import { AppError } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { CampaignTenant } from './campaign-tenant.js';
import { sharedMailCustomers } from './running-customers.js';

const size = {
  recipients: sizeOf('LEDGER_RECIPIENTS', { short: 24, long: 2_000 }),
  workers: sizeOf('LEDGER_WORKERS', { short: 3, long: 3 }),
};

const service = await sharedMailCustomers();
const superuser = await service.connectAsSuperuser();
afterAll(() => superuser.end());

test(
  'workers that die anywhere, pauses and ended leases leave each recipient with at most one e-mail, and each accounted for',
  async () => {
    const random = new SeedRandom(printedSeed('campaign-ledger'));
    const tenant = await CampaignTenant.create(service, superuser);
    await tenant.addCustomers(Array.from({ length: size.recipients }, (_, index) => `p${index}@example.com`));
    const { id } = await tenant.start();
    /** What the relay has got: the judge. */
    const relayed: string[] = [];
    const tally = { claims: 0, deathsBefore: 0, deathsAfter: 0, pauses: 0, accounts: 0, deferred: 0 };

    /** Sends one e-mail at a time, as a connection does, and may die at any point. @returns whether it is alive */
    const send = async (claimed: ClaimedRecipient): Promise<boolean> => {
      if (random.chance(0.05)) return !(tally.deathsBefore += 1);
      const { refusedIds } = await tenant.begin([claimed]);
      if (refusedIds.length > 0) return true;
      if (random.chance(0.1)) {
        tally.deferred += 1;
        await tenant.settle([claimed], MailOutcome.DEFERRED, 0);
        return true;
      }
      if (random.chance(0.03)) return !(tally.deathsAfter += 1);
      relayed.push(claimed.recipientId);
      if (random.chance(0.03)) return !(tally.deathsAfter += 1);
      await tenant.settle([claimed]);
      return true;
    };
    const work = async (): Promise<void> => {
      const claimed = await tenant.claim({ limit: 1 + random.below(8), beginsLater: true });
      tally.claims += 1;
      for (const each of claimed) if (!(await send(each))) return;
    };
    const disturb = async (): Promise<void> => {
      if (random.chance(0.3)) await tenant.endLeases(id);
      if (random.chance(0.3)) {
        tally.pauses += 1;
        await steer('pauseCampaign');
        await steer('resumeCampaign');
      }
      const account = await tenant.account(id);
      tally.accounts += 1;
      const counted = Object.values(account.counts!).reduce((sum: number, count) => sum + (count as number), 0);
      expect(account).toMatchObject({ balanced: true, audience: size.recipients, inconsistent: 0 });
      expect(counted).toBe(size.recipients);
    };
    /** The campaign may have ended meanwhile. */
    const steer = async (method: 'pauseCampaign' | 'resumeCampaign'): Promise<void> => {
      await service.call(method, { id }, tenant.caller).catch((error: unknown) => {
        if (!(error instanceof AppError) || error.reason !== 'CAMPAIGN_STATE') throw error;
      });
    };

    while ((await tenant.getCampaign(id)).state !== CampaignState.DONE) {
      await Promise.all([...Array.from({ length: size.workers }, () => work()), disturb()]);
    }

    const recipients = await tenant.recipients(id);
    const counts = new Map(recipients.map((recipient) => [recipient.id, 0]));
    for (const each of relayed) counts.set(each, counts.get(each)! + 1);
    expect(Math.max(...counts.values())).toBe(1);
    for (const { id: recipientId, state } of recipients) {
      const isRelayed = counts.get(recipientId) === 1;
      if (state === RecipientState.HANDED_OVER) expect(isRelayed).toBe(true);
      else if (state === RecipientState.FAILED) expect(isRelayed).toBe(false);
      else expect(RecipientState[state]).toBe('UNKNOWN');
    }
    const unknown = recipients.filter(({ state }) => state === RecipientState.UNKNOWN).length;
    // A lease can also end while its worker is alive, whose late outcome then counts.
    expect(unknown).toBeLessThanOrEqual(tally.deathsAfter);
    printTally('campaign-ledger', { ...tally, recipients: recipients.length, unknown });
  },
  soakTimeoutMs,
);
