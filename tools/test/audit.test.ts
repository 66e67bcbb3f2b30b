import { sharedPlatform } from '@rapport/testing';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

interface Entry {
  number: number;
  kind: string;
  actor: string;
  hash: string;
  detail: Record<string, unknown>;
  records: { name: string }[];
}

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;

beforeAll(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Audited')).apiKey);
}, 120_000);

async function list(path: string): Promise<Entry[]> {
  const { status, body } = await api.send('GET', path, {});
  expect(status).toBe(200);
  return (body as { entries: Entry[] }).entries;
}

/** The entries of refused calls arrive a moment later. */
function eventually(path: string) {
  return expect.poll(async () => (await list(path)).map(({ detail }) => detail), { timeout: 10_000 });
}

describe('the audit over REST', () => {
  it('lists changes, verifies, signs and exports', async () => {
    const created = await api.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName: 'Ada' } });
    const { id } = created.body as { id: string };

    const entries = await list(`/v1/auditEntries?record=customer/${id}`);
    const verified = await api.send('POST', '/v1/auditEntries:verify', { body: {} });
    const signed = await api.send('POST', '/v1/auditHeads:sign', {});
    const heads = await api.send('GET', '/v1/auditHeads', {});
    const { number, hash } = signed.body as { number: number; hash: string };
    const known = await api.send('POST', '/v1/auditEntries:verify', { body: { head: { number, hash } } });
    const wrong = await api.send('POST', '/v1/auditEntries:verify', {
      body: { head: { number, hash: '0'.repeat(64) } },
    });
    const exported = await api.send('GET', '/v1/auditEntries:export', {});

    expect(entries).toMatchObject([{ kind: 'CHANGE', records: [{ name: `customer/${id}` }] }]);
    expect(verified.body).toMatchObject({ end: { number: 1 }, isComplete: true });
    expect((heads.body as { heads: unknown[] }).heads).toEqual([signed.body]);
    expect(known.body).not.toHaveProperty('fault');
    expect(wrong.body).toMatchObject({ fault: { number, reason: 'OTHER_HEAD' } });
    const lines = String(exported.body).trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as Entry).kind)).toEqual(['CHANGE', 'EXPORT']);
  });

  it('lists a new key, and a refused call with its address', async () => {
    const wanted = { displayName: 'reader', permissions: ['customers.read'] };
    const { key, id } = (await api.send('POST', '/v1/apiKeys', { body: wanted })).body as { key: string; id: string };
    const reader = await ApiClient.connect(platform.edgeUrl, key);
    const refused = await reader.send('GET', '/v1/securityEvents', {});
    expect(refused.status).toBe(403);

    await eventually('/v1/securityEvents?kind=PERMISSION_DENIED').toMatchObject([
      { outcome: 'DENIED', permission: 'audit.read', address: '127.0.0.1' },
    ]);
    expect(await list(`/v1/securityEvents?actor=apiKey:${id}`)).toMatchObject([{ kind: 'PERMISSION_DENIED' }]);
    expect(await list(`/v1/securityEvents?record=apiKey/${id}`)).toMatchObject([{ kind: 'API_KEY_CREATED' }]);
    const verified = await api.send('POST', '/v1/securityEvents:verify', { body: {} });
    expect(verified.body).not.toHaveProperty('fault');
  });

  it('lists the use of a revoked key', async () => {
    const wanted = { displayName: 'gone', permissions: ['customers.read'] };
    const { key, id } = (await api.send('POST', '/v1/apiKeys', { body: wanted })).body as { key: string; id: string };
    await api.send('POST', `/v1/apiKeys/${id}:revoke`, {});
    const headers = { authorization: `Bearer ${key}` };
    const answer = await fetch(`${platform.edgeUrl}/v1/customers`, { headers });
    expect(answer.status).toBe(401);

    await eventually('/v1/securityEvents?kind=AUTHENTICATION_FAILED').toMatchObject([
      { outcome: 'DENIED', reason: 'API_KEY_INVALID', address: '127.0.0.1' },
    ]);
    expect(await list('/v1/securityEvents?kind=API_KEY_REVOKED')).toMatchObject([
      { records: [{ name: `apiKey/${id}` }] },
    ]);
  });
});
