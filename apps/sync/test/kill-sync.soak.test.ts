import { drawnBy, isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { declarePairingAmidKills } from './exchange/pairing-amid-kills.ts';
import { declareTwoWayAmidKills } from './exchange/two-way-amid-kills.ts';
import { declareEffectsAmidKills } from './flows/kills/effects-amid-kills.ts';
import { declareFlowRunsAmidKills } from './flows/kills/flow-runs-amid-kills.ts';
import { declareFlowsAmidKills } from './flows/kills/flows-amid-kills.ts';
import { declareHooksAmidKills } from './hooks/hooks-amid-kills.ts';
import { declareCampaignsAmidKills } from './mail/campaigns-amid-kills.ts';
import { declareMailAmidKills } from './mail/mail-amid-kills.ts';
import { declareSendingAmidKills } from './mail/sending-amid-kills.ts';
import { Receiver } from './receiver.ts';
import { declareRestarts } from './restarts.ts';
import { startSyncPlatform, WebhookTenant } from './sync-platform.ts';

const customers = sizeOf('KILL_CUSTOMERS', { short: 8, long: 20 });
const updatesEach = sizeOf('KILL_UPDATES', { short: 7, long: 1_000 });
const kills = sizeOf('KILLS', { short: 1, long: 100 });

/**
 * Work that a kill comes amid, beside two ways at once and deliveries. What it does without a kill has tests that always run.
 * The short form kills amid one of them, which the seed draws.
 */
const amidKills = {
  'webhooks from outside': declareHooksAmidKills,
  'a first exchange': declarePairingAmidKills,
  'decisions of flows': declareFlowsAmidKills,
  'runs of flows': declareFlowRunsAmidKills,
  'effects of flows': declareEffectsAmidKills,
  'the intake of a mailbox': declareMailAmidKills,
  'messages and digests': declareSendingAmidKills,
  campaigns: declareCampaignsAmidKills,
};
const all = Object.values(amidKills);
const drawn = isSoak ? all : drawnBy(printedSeed('kill-sync'), all, 1);

let platform: Platform;
let receiver: Receiver;

beforeAll(async () => {
  // Its sync is killed and restarted, and a kill takes an attempt from whatever was under way.
  platform = await startSyncPlatform({ RETRY_SCHEDULE_SECONDS: Array(20).fill(0).join() });
  receiver = await Receiver.start();
});
afterAll(async () => {
  await receiver.stop();
  await platform.stop();
});

beforeEach(async () => {
  // The edge takes a moment to reach sync again after the last kill.
  const { apiKey } = await platform.createTenant('Reaching sync');
  const headers = { authorization: `Bearer ${apiKey}` };
  await expect.poll(() => fetch(`${platform.edgeUrl}/v1/webhookEndpoints`, { headers })).toMatchObject({ status: 200 });
});

declareTwoWayAmidKills(() => platform);
for (const declare of drawn) declare(() => platform);

test(
  'kill -9 of sync amid deliveries loses no event, and none comes out of order for its record',
  { timeout: soakTimeoutMs },
  async () => {
    const tenant = await WebhookTenant.create(platform);
    await tenant.endpoint(receiver.url);
    receiver.behave = ({ id }, place) => ({
      status: place % 5 === 0 && !receiver.requests.some((one) => one.id === id) ? 500 : 200,
    });
    const ids = await Promise.all(
      Array.from({ length: customers }, (_, index) => tenant.createCustomer(`Ada ${index}`)),
    );
    const events = customers * (1 + updatesEach);
    const writing = updateAll(tenant, ids);

    for (let kill = 0; kill < kills; kill++) {
      // Few, since what the last kill has taken along is sent again only when its lease ends.
      const enough = receiver.ids.length + Math.ceil(events / (8 * kills));
      const some = expect.poll(() => receiver.ids.length, { timeout: soakTimeoutMs });
      // A writer that fails is not waited for.
      await Promise.race([some.toBeGreaterThanOrEqual(enough), failureOf(writing)]);
      await platform.services.sync.kill();
      await platform.services.sync.start();
    }
    await writing;
    await expect.poll(() => receiver.ids.length, { timeout: soakTimeoutMs }).toBe(events);

    for (const id of ids) {
      const versions = receiver.taken
        .filter(({ event }) => event.data['recordId'] === id)
        .map(({ event }) => event.data['version']);
      // What was taken just before a kill may come once more.
      expect(versions.filter((version, place) => versions.indexOf(version) === place)).toEqual(
        Array.from({ length: 1 + updatesEach }, (_, index) => index + 1),
      );
    }
    printTally('kill-sync', { events, kills, requests: receiver.requests.length, taken: receiver.taken.length });
  },
);

declareRestarts(() => platform);

async function updateAll(tenant: WebhookTenant, ids: string[]): Promise<void> {
  for (let update = 1; update <= updatesEach; update++) {
    for (const id of ids) await tenant.updateCustomer(id, { jobTitle: `Analyst ${update}` });
  }
}

/** Rejects when `work` does, and is pending otherwise. */
function failureOf(work: Promise<void>): Promise<never> {
  return new Promise((_, reject) => void work.catch(reject));
}
