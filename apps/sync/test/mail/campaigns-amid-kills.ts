import { join } from 'node:path';
import {
  drawnBy,
  freePort,
  printedSeed,
  printTally,
  ScriptedRelay,
  sizeOf,
  soakTimeoutMs,
  type Platform,
  type Service,
} from '@rapport/testing';
import { expect, test } from 'vitest';
import { CampaignAudience } from './campaign-audience.ts';

const recipients = sizeOf('CAMPAIGN_RECIPIENTS', { short: 60, long: 20_000 });
const kills = sizeOf('CAMPAIGN_KILLS', { short: 1, long: 20 });
const cuts = sizeOf('CAMPAIGN_CUTS', { short: 4, long: 200 });
const workers = sizeOf('CAMPAIGN_WORKERS', { short: 2, long: 3 });
const maxConnections = 4;

const states = ['PLANNED', 'SUPPRESSED', 'SKIPPED', 'CLAIMED', 'HANDED_OVER', 'FAILED', 'UNKNOWN', 'CANCELLED'];

/** What the relay got of each e-mail, by its Message-ID. */
function twins(relay: ScriptedRelay): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { content } of relay.received) {
    const id = /^Message-ID: <([^>]+)>/im.exec(content)?.[1] ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

async function startWorkers(platform: Platform): Promise<Service[]> {
  const { sync } = platform.services;
  const others: Service[] = [];
  for (let at = 1; at < workers; at += 1) {
    const [grpcPort, healthPort] = [await freePort(), await freePort()];
    const env = { GRPC_ADDRESS: `127.0.0.1:${grpcPort}`, HEALTH_PORT: String(healthPort) };
    const name = `campaign-sync-${at}`;
    const other = sync.another({ name, healthPort, env, logFile: join(platform.logDir, `${name}.log`) });
    await other.start();
    others.push(other);
  }
  return others;
}

/** Declares the test of campaigns amid kills of sync, on a platform whose sync is killed. */
export function declareCampaignsAmidKills(platformOf: () => Platform): void {
  test(
    'kill -9 of senders, cuts of the relay at each verb and pauses: no recipient gets two e-mails, none is missed',
    { timeout: soakTimeoutMs },
    async () => {
      const platform = platformOf();
      const relay = await ScriptedRelay.start();
      const others = await startWorkers(platform);
      const senders = [platform.services.sync, ...others];
      const audience = await CampaignAudience.create(platform, relay, { maxConnections });
      const seed = printedSeed('campaign-kills');
      const cutAt = new Set(drawnBy(seed, [...Array(recipients * 3).keys()], cuts));
      let [moment, cutDone] = [0, 0];
      relay.script = () => {
        moment += 1;
        if (!cutAt.has(moment)) return undefined;
        cutDone += 1;
        return 'CUT';
      };
      const campaignId = await audience.start(Array.from({ length: recipients }, (_, at) => `r${at}@example.net`));
      const { api } = audience.mail;
      const balanced = async () => {
        const account = await api.ok<{ balanced: boolean }>('GET', `/v1/campaigns/${campaignId}:account`);
        expect(account).toMatchObject({ balanced: true });
      };
      for (let kill = 1; kill <= kills; kill += 1) {
        const enough = Math.ceil((recipients * kill) / (kills + 2));
        await expect.poll(() => relay.received.length, { timeout: soakTimeoutMs }).toBeGreaterThanOrEqual(enough);
        const victim = senders[kill % senders.length]!;
        await victim.kill();
        await balanced();
        if (kill % 2 === 1) await pauseAndResume(audience, campaignId);
        await victim.start();
      }
      await finish(audience, campaignId, relay);
      await balanced();

      const ended = await audience.states(campaignId);
      expect(Object.keys(ended).filter((state) => !states.includes(state))).toEqual([]);
      const { HANDED_OVER: handedOver = 0, UNKNOWN: unknown = 0 } = ended;
      expect(handedOver + unknown).toBe(recipients);
      const got = twins(relay);
      expect([...got.values()].filter((times) => times > 1)).toEqual([]);
      const accepted = new Set(relay.accepted.flatMap(({ to }) => to));
      expect(accepted.size).toBeGreaterThanOrEqual(handedOver);
      // One for each connection at a kill, and one for each connection that was cut.
      expect(unknown).toBeLessThanOrEqual(kills * maxConnections + cutDone);
      printTally('campaign-kills', {
        recipients,
        workers,
        kills,
        cuts: cutDone,
        handedOver,
        unknown,
        received: got.size,
      });
      for (const other of others) await other.stop();
      await relay.stop();
    },
  );
}

/** Looks in a row, half a second apart, after which what is claimed is of a process that is gone. */
const stillLooks = 4;

/** Waits for the end. What is still claimed when nothing comes any more is of processes that were killed: their leases end. */
async function finish(audience: CampaignAudience, campaignId: string, relay: ScriptedRelay): Promise<void> {
  let [seen, looks] = ['', 0];
  const open = async () => {
    const { PLANNED = 0, CLAIMED = 0 } = await audience.states(campaignId);
    const now = `${relay.received.length} ${PLANNED} ${CLAIMED}`;
    looks = now === seen ? looks + 1 : 0;
    seen = now;
    if (looks >= stillLooks) await audience.endLeases(campaignId);
    return PLANNED + CLAIMED;
  };
  await expect.poll(open, { timeout: soakTimeoutMs, interval: 500 }).toBe(0);
}

/** A paused campaign hands nothing over once its claims have ended. */
async function pauseAndResume(audience: CampaignAudience, campaignId: string): Promise<void> {
  const { api } = audience.mail;
  const paused = await api.send('POST', `/v1/campaigns/${campaignId}:pause`);
  if (paused.status !== 200) return;
  await api.ok('POST', `/v1/campaigns/${campaignId}:resume`);
}
