import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { keysInUse, type Platform } from '@rapport/testing';
import { expect, test } from 'vitest';
import { ExchangeTenant } from './exchange/exchange-tenant.ts';
import { PeopleTable } from './exchange/people-table.ts';
import { Receiver } from './receiver.ts';
import { WebhookTenant } from './sync-platform.ts';

/**
 * @param current gives the platform whose sync gets other keys
 * @param retired gives the path of the file with its retired keys
 */
export function declareChangeOfMasterKey(current: () => Platform, retired: () => string): void {
  test('after a change of the master key endpoints sign and connections work as before, what was sealed opens, and all soon need the former no more', async () => {
    const platform = current();
    const masterKey = join(dirname(platform.trust.signingKeyFile), 'sync-master-key');
    const receiver = await Receiver.start();
    const restartWith = async (retiredKeys: string, key: string) => {
      await platform.services.sync.stop();
      await writeFile(retired(), retiredKeys);
      await writeFile(masterKey, key);
      await platform.services.sync.start();
      // The edge takes a moment to reach it again.
      await expect.poll(() => tenant.send('GET', '/v1/webhookEndpoints')).toMatchObject({ status: 200 });
    };
    const tenant = await WebhookTenant.create(platform);
    const endpoint = await tenant.endpoint(receiver.url, { payload: 'FULL' });
    const sealedKeys = () =>
      tenant.query<{ text: string }>('select sealed_keys::text as text from webhook_endpoint where id = $1', [
        endpoint.id,
      ]);
    const delivered = (count: number) =>
      expect
        .poll(async () => (await tenant.deliveries(endpoint.id)).map(({ state }) => state))
        .toEqual(Array(count).fill('DELIVERED'));
    await tenant.createCustomer('Ada');
    await delivered(1);
    const formerKeys = await sealedKeys();
    const exchange = await ExchangeTenant.create(platform);
    const people = await PeopleTable.create(exchange);
    const mapping = await people.map();
    await people.insert('Grace', 'Admiral');
    await people.changeBoth(mapping);
    // Of all tenants: what is left of other tests is sealed anew too.
    const heads = () =>
      exchange.api.query<{ kind: string; head: string }>(
        `select kind, encode(substr(sealed, 1, 9), 'hex') as head from (
             select 'connection' as kind, sealed_secrets as sealed from connection
             union all select 'mapping', sealed_fingerprint_key from mapping
             union all select 'conflict', sealed_fields from sync_conflict) as kept`,
      );
    const formerHeads = await heads();
    expect(new Set(formerHeads.map(({ kind }) => kind)).size).toBe(3);
    const headOf = ({ head }: { head: string }) => head;

    await restartWith(await readFile(masterKey, 'utf8'), randomBytes(32).toString('base64'));
    await tenant.ok('POST', `/v1/webhookEndpoints/${endpoint.id}:replay`, { eventIds: receiver.ids });
    await delivered(2);
    await expect.poll(sealedKeys).not.toEqual(formerKeys);
    await expect.poll(async () => (await heads()).map(headOf)).not.toContain(headOf(formerHeads[0]!));

    // Events are not sealed anew: they expire.
    const { exitCode, uses } = await keysInUse('sync', {
      ...Object.fromEntries(
        ['database-url', 'audit-signing-key'].map((name) => [
          `${name.toUpperCase().replaceAll('-', '_')}_FILE`,
          join(dirname(masterKey), `sync-${name}`),
        ]),
      ),
      ...{ MASTER_KEY_FILE: masterKey, RETIRED_MASTER_KEYS_FILE: retired() },
    });
    expect(exitCode).toBe(1);
    const { CURRENT: now = {}, RETIRED: before = {} } = uses['MASTER_KEY'] ?? {};
    const anew = ['connection', 'mapping', 'sync_conflict', 'webhook_endpoint'];
    expect(Object.keys(now)).toEqual(expect.arrayContaining(anew));
    expect(before['webhook_event']).toBeGreaterThan(0);
    expect(Object.keys(before).filter((table) => anew.includes(table))).toEqual([]);

    await restartWith('', await readFile(masterKey, 'utf8'));
    await tenant.createCustomer('Bob');
    await delivered(3);
    const { id } = await people.customerOf('Grace');
    await exchange.api.updateCustomer(id, { jobTitle: 'Rear admiral' });

    expect(receiver.taken.map(({ event }) => event.data['after'])).toMatchObject(
      ['Ada', 'Ada', 'Bob'].map((displayName) => ({ displayName })),
    );
    for (const request of receiver.taken) Receiver.verify(request, endpoint.secret);
    // It knows what both sides agreed on.
    await expect
      .poll(() => people.titles())
      .toEqual([
        ['Ada', 'Programmer'],
        ['Grace', 'Rear admiral'],
      ]);
    expect(await exchange.conflicts(mapping)).toMatchObject([
      { fields: [{ customerValue: '"Countess"', peerValue: '"Programmer"' }] },
    ]);
    await receiver.stop();
  });
}
