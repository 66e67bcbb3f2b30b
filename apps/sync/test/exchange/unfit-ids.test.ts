import { randomBytes } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { expect, inject, onTestFinished, test } from 'vitest';
import { RestServer } from '../connectors/rest-server.ts';
import { ExchangeTenant } from './exchange-tenant.ts';

const platform = await sharedPlatform(inject('platformUrl'));

const unfit = {
  ID_UNFIT: ['a\0b', 'a\ud800b', randomBytes(3_000).toString('hex')],
  // The folder above and the same one, in a URL.
  NO_ID: ['..', '.'],
};

test('records whose ids nothing can store, or no URL can name, are listed, and hold up no other', async () => {
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
  const updated_at = new Date().toISOString();
  const shown = (own: number | string, name: string) => ({ id: own, name, updated_at });
  const odd = Object.values(unfit).flatMap((own) => own.map((id) => shown(id, 'Odd')));
  server.instead = ({ method, url = '' }) => {
    const { pathname, searchParams } = new URL(url, server.url);
    if (method !== 'GET' || !pathname.endsWith('/people')) return undefined;
    const [ada = 0, bob = 0] = ids;
    const people = [shown(ada, 'Ada'), ...odd, shown(bob, 'Bob')];
    return { status: 200, body: { data: Number(searchParams.get('page') ?? 1) > 1 ? [] : people } };
  };

  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
  const run = await tenant.run(mapping, { kind: 'RECONCILE' });

  expect([run.state, run.errorReason]).toEqual(['SUCCEEDED', undefined]);
  for (const [reason, of] of Object.entries(unfit)) {
    expect(
      run.issues.filter((issue) => issue.reason === reason),
      reason,
    ).toHaveLength(of.length);
  }
  const names = [...(await tenant.customers()).values()].map(({ displayName }) => displayName);
  expect(names.sort()).toEqual(['Ada', 'Bob']);
});
