import { randomBytes } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { expect, inject, onTestFinished, test } from 'vitest';
import { RestServer } from '../connectors/rest-server.ts';
import { ExchangeTenant } from './exchange-tenant.ts';

const platform = await sharedPlatform(inject('platformUrl'));

test.each([
  { what: 'has a NUL', id: 'a\0b', reason: 'ID_UNFIT' },
  { what: 'has half of a surrogate pair', id: 'a\ud800b', reason: 'ID_UNFIT' },
  { what: 'is too long for an index', id: randomBytes(3_000).toString('hex'), reason: 'ID_UNFIT' },
  { what: 'is the folder above in a URL', id: '..', reason: 'NO_ID' },
  { what: 'is the same folder in a URL', id: '.', reason: 'NO_ID' },
])('a record whose id $what is listed, and holds up no other', async ({ id, reason }) => {
  const server = await RestServer.start({ paging: 'PAGE', wrap: 'data' });
  onTestFinished(() => server.stop());
  const tenant = await ExchangeTenant.create(platform);
  const { bearerToken, ...settings } = server.configuration;
  const connection = await tenant.connect('rest', settings, { bearerToken });
  const ids = [server.add({ name: 'Ada' }), server.add({ name: 'Bob' })];
  const mapping = await tenant.map(connection, {
    ...{ recordType: 'people', direction: 'TO_CUSTOMERS', state: 'PAUSED' },
    fields: [{ customerField: 'displayName', peerField: 'name' }],
  });
  const shown = (own: number | string, name: string) => ({ id: own, name, updated_at: new Date().toISOString() });
  server.instead = ({ method, url = '' }) => {
    const { pathname, searchParams } = new URL(url, server.url);
    if (method !== 'GET' || !pathname.endsWith('/people')) return undefined;
    const [ada = 0, bob = 0] = ids;
    const people = [shown(ada, 'Ada'), shown(id, 'Odd'), shown(bob, 'Bob')];
    return { status: 200, body: { data: Number(searchParams.get('page') ?? 1) > 1 ? [] : people } };
  };

  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
  const run = await tenant.run(mapping, { kind: 'RECONCILE' });

  expect([run.state, run.errorReason]).toEqual(['SUCCEEDED', undefined]);
  expect(run.issues.map((issue) => issue.reason)).toContain(reason);
  const names = [...(await tenant.customers()).values()].map(({ displayName }) => displayName);
  expect(names.sort()).toEqual(['Ada', 'Bob']);
});
