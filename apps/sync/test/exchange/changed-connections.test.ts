import { sharedPlatform } from '@rapport/testing';
import { expect, inject, onTestFinished, test } from 'vitest';
import { RestServer } from '../connectors/rest-server.ts';
import { until } from '../until.ts';
import { ExchangeTenant } from './exchange-tenant.ts';

const platform = await sharedPlatform(inject('platformUrl'));

const person = {
  ...{ recordType: 'people', direction: 'TO_CUSTOMERS' },
  fields: [{ customerField: 'displayName', peerField: 'name' }],
};

/** A service that holds up the answer to the request that a test is interested in. */
class HeldService {
  readonly #gate = Promise.withResolvers<void>();
  isHeld = false;

  private constructor(readonly server: RestServer) {}

  static async start(count: number): Promise<HeldService> {
    const server = await RestServer.start({ paging: 'PAGE' });
    onTestFinished(() => server.stop());
    for (let number = 0; number < count; number += 1) server.add({ name: `Person ${number}` });
    return new HeldService(server);
  }

  hold(part: string): void {
    this.server.hold = ({ url = '' }) => {
      if (!url.includes(part)) return undefined;
      this.isHeld = true;
      return this.#gate.promise;
    };
  }

  release(): void {
    this.#gate.resolve();
  }
}

test('a run that the other system refuses with a secret that was replaced meanwhile continues with the new one', async () => {
  const service = await HeldService.start(40);
  const { server } = service;
  const tenant = await ExchangeTenant.create(platform);
  const { bearerToken, ...settings } = server.configuration;
  const connection = await tenant.connect('rest', settings, { bearerToken: 'old' });
  let revoked = '';
  server.before = ({ headers }) => {
    headers.authorization = headers.authorization === revoked ? 'revoked' : `Bearer ${String(bearerToken)}`;
  };
  service.hold('page=3');
  const mapping = await tenant.map(connection, person);
  await until(() => service.isHeld);

  await tenant.api.ok('PATCH', `/v1/connections/${connection}`, { secrets: { bearerToken: 'new' } });
  revoked = 'Bearer old';
  service.release();
  await expect.poll(async () => (await tenant.customers()).size, { timeout: 60_000 }).toBe(40);

  const reasons = (await tenant.runs(mapping)).map(({ errorReason }) => errorReason);
  expect(reasons.filter((reason) => reason !== undefined)).toEqual([]);
  expect(await tenant.mapping(mapping)).toMatchObject({ state: 'ENABLED' });
});

test('a run reads no further page once its connection is disabled, and leaves its stopped mapping as it is', async () => {
  const service = await HeldService.start(160);
  const { server } = service;
  const tenant = await ExchangeTenant.create(platform);
  const { bearerToken, ...settings } = server.configuration;
  const connection = await tenant.connect('rest', { ...settings, pageSize: 20 }, { bearerToken });
  const mapping = await tenant.map(connection, person);
  await tenant.run(mapping);
  server.instead = () => ({ status: 401 });
  await tenant.run(mapping);
  expect(await tenant.mapping(mapping)).toMatchObject({ state: 'STOPPED' });
  server.instead = undefined;
  service.hold('page=2');
  const run = tenant.run(mapping, { kind: 'RECONCILE' });
  await until(() => service.isHeld);

  await tenant.api.ok('PATCH', `/v1/connections/${connection}`, { state: 'DISABLED' });
  const before = server.requests.length;
  service.release();

  expect(await run).toMatchObject({ state: 'FAILED', errorReason: 'MAPPING_DISABLED' });
  // Records are read by the hundred: those of the pages 1 to 5, and one of the next to see whether there are more.
  expect(server.requests.slice(before).filter(({ path }) => /[?&]page=[789]/.test(path))).toEqual([]);
  expect(await tenant.mapping(mapping)).toMatchObject({ state: 'STOPPED' });
  expect(await tenant.api.query('select from mapping_schedule where mapping_id = $1', [mapping])).toEqual([]);
});
