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
import { copiesOf } from './mail-tenant.ts';

const recipients = sizeOf('CAMPAIGN_RECIPIENTS', { short: 60, long: 20_000 });
const kills = sizeOf('CAMPAIGN_KILLS', { short: 1, long: 20 });
const cuts = sizeOf('CAMPAIGN_CUTS', { short: 4, long: 200 });
const workers = sizeOf('CAMPAIGN_WORKERS', { short: 2, long: 3 });
const maxConnections = 4;

/** Recipients in a domain with a limit, e-mails that it takes in a second, and recipients in a domain that takes none at first. */
const limited = sizeOf('CAMPAIGN_LIMITED', { short: 6, long: 4_000 });
const perSecond = sizeOf('CAMPAIGN_PER_SECOND', { short: 3, long: 40 });
const blocked = sizeOf('CAMPAIGN_BLOCKED', { short: maxConnections + 2, long: 400 });
const blockedDomain = 'blocked.example';

/** Addresses in these domains and in one without a limit. */
function addresses(): string[] {
  const domainOf = (at: number) =>
    at < limited ? 'limited.example' : at < limited + blocked ? blockedDomain : 'example.net';
  return Array.from({ length: recipients }, (_, at) => `r${at}@${domainOf(at)}`);
}

const states = ['PLANNED', 'SUPPRESSED', 'SKIPPED', 'CLAIMED', 'HANDED_OVER', 'FAILED', 'UNKNOWN', 'CANCELLED'];

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
    'kill -9 of senders, cuts of the relay and pauses: no recipient gets two e-mails, none is missed, and rates hold',
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
      let isBlocking = true;
      const limitedTimes: number[] = [];
      relay.script = (verb, { to }) => {
        const domain = to[0]?.split('@')[1];
        if (isBlocking && verb === 'RCPT' && domain === blockedDomain) return { code: 421, text: '4.7.0 Not now' };
        if (verb === 'DOT' && domain === 'limited.example') limitedTimes.push(performance.now());
        moment += 1;
        if (!cutAt.has(moment)) return undefined;
        cutDone += 1;
        return 'CUT';
      };
      const { api } = audience.mail;
      const rate = { count: perSecond, perSeconds: 1 };
      await api.ok('POST', '/v1/deliveryLimits', { match: 'limited.example', rate });
      const limit = { match: blockedDomain, connections: maxConnections };
      const { id: blockedLimitId } = await api.ok<{ id: string }>('POST', '/v1/deliveryLimits', limit);
      const campaignId = await audience.start(addresses());
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
      await finish(audience, campaignId, { relay, except: blockedDomain });
      // The blocked domain has delayed no other.
      expect(await audience.open(campaignId)).toBeGreaterThan(0);
      isBlocking = false;
      await api.ok('POST', `/v1/deliveryLimits/${blockedLimitId}:unblock`);
      await audience.endWaits(campaignId);
      await finish(audience, campaignId, { relay });
      await balanced();

      const ended = await audience.states(campaignId);
      expect(Object.keys(ended).filter((state) => !states.includes(state))).toEqual([]);
      const { HANDED_OVER: handedOver = 0, UNKNOWN: unknown = 0 } = ended;
      expect(handedOver + unknown).toBe(recipients);
      // Any period at the relay: a place is held until after the outcome of its e-mail.
      for (const [at, time] of limitedTimes.slice(perSecond).entries()) {
        expect(time - limitedTimes[at]!).toBeGreaterThanOrEqual(1_000);
      }
      const got = copiesOf(relay.received);
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
        limited: limitedTimes.length,
        perSecond,
        blocked,
      });
      for (const other of others) await other.stop();
      await relay.stop();
    },
  );
}

/** Looks in a row, half a second apart, after which what is claimed is of a process that is gone. */
const stillLooks = 4;

/**
 * Waits for the end. What is still claimed when nothing comes any more is of processes that were killed: their leases end, and their
 * places in limits, whose e-mails came longer ago than the period.
 */
async function finish(
  audience: CampaignAudience,
  campaignId: string,
  { relay, except }: { relay: ScriptedRelay; except?: string },
): Promise<void> {
  let [seen, looks] = ['', 0];
  const open = async () => {
    const count = await audience.open(campaignId, except);
    const now = `${relay.received.length} ${count}`;
    looks = now === seen ? looks + 1 : 0;
    seen = now;
    if (looks >= stillLooks) {
      await audience.endLeases(campaignId, except);
      await audience.endUses();
      if (except === undefined) await audience.endWaits(campaignId);
    }
    return count;
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
