import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpuSeconds, rssMib, ScriptedRelay, type Platform } from '@rapport/testing';
import { CampaignAudience } from '../test/mail/campaign-audience.ts';
import { until } from './until.ts';

const goalPerSecond = 1_000;

/**
 * A campaign to a relay on this machine: e-mails each second without a signature, and with each kind of key. `cpuMs` is the processor time
 * of each e-mail by process, which depends less on what else runs: two cores hand over the goal if its sum is at most 2. `memoryMib` is the
 * memory of sync after each tenth of the e-mails.
 */
export async function measureCampaigns(platform: Platform, scale: number): Promise<object> {
  const count = Math.max(200, Math.round(20_000 * scale));
  const results: Record<string, object> = {};
  for (const [name, dkim] of Object.entries({ unsigned: undefined, rsa: pem('rsa'), ed25519: pem('ed25519') })) {
    const relay = await ScriptedRelay.start();
    const settings = { maxConnections: 20, maxPerConnection: 1_000 };
    const signed = dkim && { dkim: { domain: 'example.com', selector: 's', privateKey: dkim } };
    const audience = await CampaignAudience.create(platform, relay, { ...settings, ...signed });
    const addresses = Array.from({ length: count }, (_, at) => `reader${at}@example.net`);
    let firstMs = 0;
    let before: Record<string, number> = {};
    const memoryMib: number[] = [];
    relay.script = (moment) => {
      if (moment === 'DOT' && firstMs === 0) {
        firstMs = performance.now();
        before = usedMs(platform);
      }
      return undefined;
    };
    await audience.start(addresses);
    await until(() => {
      const tenths = Math.floor((relay.received.length * 10) / count);
      while (memoryMib.length < tenths) memoryMib.push(rssMib(platform.services.sync.pid) ?? 0);
      return relay.received.length === count;
    });
    const seconds = (performance.now() - firstMs) / 1_000;
    const cpuMs = Object.fromEntries(
      Object.entries(usedMs(platform)).map(([process, used]) => [process, perMail(used - before[process]!, count)]),
    );
    results[name] = { count, seconds: Math.round(seconds), perSecond: Math.round(count / seconds), cpuMs, memoryMib };
    await relay.stop();
  }
  return { goalPerSecond, ...results };
}

/** Processor time by process so far, in milliseconds. The relay is in this process. */
function usedMs({ services, postgres }: Platform): Record<string, number> {
  const { sync, customers, edge } = services;
  const backends = readFileSync(`/proc/${postgres.pid}/task/${postgres.pid}/children`, 'utf8').split(' ').map(Number);
  const pids = {
    sync: [sync.pid],
    customers: [customers.pid],
    postgres: [postgres.pid, ...backends.filter((pid) => pid > 0)],
    edge: [edge.pid],
    relay: [process.pid],
  };
  return Object.fromEntries(
    Object.entries(pids).map(([name, each]) => [
      name,
      each.map((pid) => (cpuSeconds(pid) ?? 0) * 1_000).reduce((sum, ms) => sum + ms, 0),
    ]),
  );
}

function perMail(ms: number, count: number): number {
  return Math.round((ms / count) * 1_000) / 1_000;
}

function pem(type: 'rsa' | 'ed25519'): string {
  const { privateKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2_048 }) : generateKeyPairSync(type);
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
