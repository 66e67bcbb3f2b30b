import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { promisify } from 'node:util';
import { installDebianPackage, ScriptedRelay, sharedPlatform } from '@rapport/testing';
import { dkimVerify } from 'mailauth';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { until } from '../until.ts';
import { CampaignAudience } from './campaign-audience.ts';

type Json = Record<string, unknown>;

const platform = await sharedPlatform(inject('platformUrl'));
let relay: ScriptedRelay;

beforeEach(async () => {
  relay = await ScriptedRelay.start();
});

afterEach(() => relay.stop());

/** Debian's Python, which its packages are for. */
const python = '/usr/bin/python3';

const run = promisify(execFile);

/** Verifies by dkimpy, a second opinion. */
const dkimpy = `import dkim, sys; raw = sys.stdin.buffer.read(); record = sys.argv[1].encode()
print(dkim.verify(raw, dnsfunc=lambda *name, **more: record))`;

test('an e-mail has the headers of one-click unsubscription, and its Ed25519 signature covers them', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const dkim = { domain: 'example.com', selector: 'ed', privateKey: pem };
  const audience = await CampaignAudience.create(platform, relay, { dkim });
  const campaignId = await audience.start(['ada@example.net', 'bob@example.net']);
  await audience.expectStates(campaignId, { HANDED_OVER: 2 });

  expect(relay.accepted.flatMap(({ to }) => to).toSorted()).toEqual(['ada@example.net', 'bob@example.net']);
  const content = relay.accepted[0]?.content ?? '';
  expect(content).toMatch(/^List-Unsubscribe:\s+<https?:\/\/[^>]+\/u\/[^>]+>/m);
  expect(content).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m);
  const { record } = (await audience.mail.relay())['dkim'] as { record: { name: string; value: string } };
  expect(record.value).toMatch(/^v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=$/);
  const resolver = (name: string) => Promise.resolve(name === record.name ? [[record.value]] : []);
  const { results } = await dkimVerify(Buffer.from(content), { resolver });
  expect(results.map(({ status }) => status.result)).toEqual(['pass']);
  const signed =
    /^DKIM-Signature:(?:.|\r\n[ \t])*\bh=([^;]+);/m.exec(content)?.[1]?.replaceAll(/\s/g, '').split(':') ?? [];
  const names = signed.map((name) => name.toLowerCase());
  for (const name of ['list-unsubscribe', 'list-unsubscribe-post', 'list-id', 'feedback-id'])
    expect(names).toContain(name);
  const changed = content.replace('=One-Click', '=Other');
  const { results: refused } = await dkimVerify(Buffer.from(changed), { resolver });
  expect(refused.map(({ status }) => status.result)).toEqual(['fail']);
  expect(await verdictOfDkimpy(content, record.value)).toBe('True');
  expect(await verdictOfDkimpy(changed, record.value)).toBe('False');
});

/** What dkimpy says of the signature. */
async function verdictOfDkimpy(content: string, record: string): Promise<string> {
  const isThere = await run(python, ['-c', 'import dkim, nacl']).then(
    () => true,
    () => false,
  );
  if (!isThere) await installDebianPackage('python3-dkim');
  const running = run(python, ['-c', dkimpy, record]);
  running.child.stdin?.end(content);
  return (await running).stdout.trim();
}

test('a test goes to the addresses of active users, which are no part of its messages, and to no others', async () => {
  const audience = await CampaignAudience.create(platform, relay);
  const { api } = audience.mail;
  const user = { email: `${crypto.randomUUID()}@example.net`, displayName: 'Bo', roleIds: ['member'] };
  const { id: userId } = await api.ok<{ id: string }>('POST', '/v1/users', user);
  const values = [api.tenant.tenantId, userId];
  await api.query(`update user_account set state = 'ACTIVE' where tenant_id = $1 and id = $2`, values, 'auth');
  const campaignId = await audience.draft(['ada@example.net']);
  const body = { userIds: [userId, crypto.randomUUID()] };
  const { messageIds } = await api.ok<{ messageIds: string[] }>('POST', `/v1/campaigns/${campaignId}:test`, body);

  expect((await audience.mail.inState(messageIds[0]!, 'HANDED_OVER'))['toAddresses']).toEqual([]);
  const { stateReason } = await audience.mail.inState(messageIds[1]!, 'FAILED');
  expect(stateReason).toBe('The user has no access.');
  expect(relay.received.map(({ to }) => to)).toEqual([[user.email]]);
  expect(relay.received[0]?.content).toMatch(/^Subject: \[a\] News\r$/m);
  expect(relay.received[0]?.content).toContain(`\r\nTo: Bo <${user.email}>\r\n`);
});

test('a ramp-up lets as many e-mails go as its day allows, counts none that the relay defers, and ends', async () => {
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const rampUp = { firstPerDay: 4, growthPercent: 50, untilPerDay: 9, startTime: hoursAgo(1) };
  const audience = await CampaignAudience.create(platform, relay, { maxConnections: 3, rampUp });
  const relayNow = async () => (await audience.mail.relay())['rampUp'] as Json;
  relay.script = (moment, { to }) =>
    moment === 'RCPT' && to[0]?.startsWith('later') ? { code: 451, text: '4.3.0 Later' } : undefined;
  const addresses = Array.from({ length: 16 }, (_, at) => `${at === 0 ? 'later' : 'reader'}${at}@reader.example`);
  const campaignId = await audience.start(addresses);

  await until(async () => (await relayNow())['sentToday'] === 4 && relay.accepted.length === 4);
  await audience.expectStates(campaignId, { HANDED_OVER: 4, PLANNED: 12 });
  // The second day has room for two more than the first one.
  await audience.mail.changeRelay({ rampUp: { ...rampUp, startTime: hoursAgo(25) } });
  await until(async () => (await relayNow())['sentToday'] === 6);
  expect(await relayNow()).toMatchObject({ limitToday: 6 });
  await audience.expectStates(campaignId, { HANDED_OVER: 10, PLANNED: 6 });
  await audience.mail.changeRelay({ rampUp: { ...rampUp, startTime: hoursAgo(49) } });
  await audience.expectStates(campaignId, { HANDED_OVER: 15, PLANNED: 1 });
  expect(await relayNow()).not.toHaveProperty('limitToday');
});

test('a domain that asks for less is slowed and then blocked, delays no other, and is sent to after :unblock', async () => {
  const audience = await CampaignAudience.create(platform, relay, { maxConnections: 4 });
  const { api } = audience.mail;
  const limit = { match: 'busy.example', connections: 4 };
  const { id } = await api.ok<{ id: string }>('POST', '/v1/deliveryLimits', limit);
  let isBusy = true;
  relay.script = (moment, { to }) =>
    isBusy && moment === 'RCPT' && to[0]?.endsWith('@busy.example') ? { code: 421, text: '4.7.0 Too fast' } : undefined;
  const addresses = Array.from({ length: 12 }, (_, at) => `reader${at}@${at < 4 ? 'busy' : 'calm'}.example`);
  const campaignId = await audience.start(addresses);
  await audience.expectStates(campaignId, { HANDED_OVER: 8 });
  const limitNow = () => api.ok<Json>('GET', `/v1/deliveryLimits/${id}`);
  await until(async () => (await limitNow())['state'] === 'SLOWED');
  expect(await limitNow()).toMatchObject({ lastReply: expect.stringContaining('4.7.0') as string });

  await api.query(`update delivery_limit set slowness = 4, slow_time = now() - interval '20 seconds' where id = $1`, [
    id,
  ]);
  await audience.expectStates(campaignId, { PLANNED: 4 });
  await audience.endWaits(campaignId);
  await until(async () => (await limitNow())['state'] === 'BLOCKED');
  isBusy = false;
  expect(await api.ok('POST', `/v1/deliveryLimits/${id}:unblock`)).toMatchObject({ state: 'OPEN' });
  // All but the one whose answer has blocked the domain, which waits for longer.
  await until(async () => ((await audience.states(campaignId))['HANDED_OVER'] ?? 0) >= 11);
  await audience.endWaits(campaignId);
  await audience.expectStates(campaignId, { HANDED_OVER: 12 });
});
