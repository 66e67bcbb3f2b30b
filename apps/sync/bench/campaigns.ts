import { generateKeyPairSync } from 'node:crypto';
import { rssMib, ScriptedRelay, type Platform } from '@rapport/testing';
import { CampaignAudience } from '../test/mail/campaign-audience.ts';
import { until } from './until.ts';

const goalPerSecond = 1_000;

/** A campaign to a relay on this machine: e-mails each second without a signature, and with each kind of key. */
export async function measureCampaigns(platform: Platform, scale: number): Promise<object> {
  const count = Math.max(200, Math.round(20_000 * scale));
  const results: Record<string, object> = {};
  for (const [name, dkim] of Object.entries({ unsigned: undefined, rsa: pem('rsa'), ed25519: pem('ed25519') })) {
    const relay = await ScriptedRelay.start();
    const settings = { maxConnections: 20, maxPerConnection: 1_000 };
    const signed = dkim && { dkim: { domain: 'example.com', selector: 's', privateKey: dkim } };
    const audience = await CampaignAudience.create(platform, relay, { ...settings, ...signed });
    const addresses = Array.from({ length: count }, (_, at) => `reader${at}@example.net`);
    let [firstMs, peakMib] = [0, 0];
    relay.script = (moment) => {
      if (moment === 'DOT') firstMs ||= performance.now();
      return undefined;
    };
    await audience.start(addresses);
    await until(() => {
      peakMib = Math.max(peakMib, rssMib(platform.services.sync.pid) ?? 0);
      return relay.received.length === count;
    });
    const seconds = (performance.now() - firstMs) / 1_000;
    results[name] = { count, seconds: Math.round(seconds), perSecond: Math.round(count / seconds), peakMib };
    await relay.stop();
  }
  return { goalPerSecond, ...results };
}

function pem(type: 'rsa' | 'ed25519'): string {
  const { privateKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2_048 }) : generateKeyPairSync(type);
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
