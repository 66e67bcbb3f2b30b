import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { printTally, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FlowTenant } from '../flow-tenant.ts';

type Json = Record<string, unknown>;

const records = sizeOf('FLOW_RECORDS', { short: 12, long: 400 });
const kills = sizeOf('FLOW_KILLS', { short: 1, long: 30 });

let other: Server;
/** Keys of the requests that the other system has received. */
const keys: (string | undefined)[] = [];

/** @param current gives the platform whose sync is killed */
export function declareFlowRunsAmidKills(current: () => Platform): void {
  beforeAll(async () => {
    other = createServer((request, response) => {
      keys.push(request.headers['idempotency-key'] as string | undefined);
      // Slow, so that kills come amid requests.
      request.resume().once('end', () => void delay(100).then(() => response.writeHead(204).end()));
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
  });
  afterAll(async () => {
    other.close();
    other.closeAllConnections();
  });

  test(
    'kill -9 of sync amid runs: each change of a record happens once, and each request has one key',
    { timeout: soakTimeoutMs },
    async () => {
      const platform = current();
      const tenant = await FlowTenant.create(platform);
      const { api } = tenant;
      await tenant.publish({
        trigger: { record: { type: 'customer', operations: ['CREATE'] } },
        steps: [
          { key: 'note', addNote: { text: `'Welcome ' + record.displayName` } },
          { key: 'task', addTask: { subject: `'Call ' + record.displayName` } },
          {
            key: 'set',
            update: { type: 'customer', id: 'record.id', fields: [{ field: 'jobTitle', value: `'Greeted'` }] },
          },
          {
            key: 'post',
            http: {
              url: `'http://127.0.0.1:${(other.address() as AddressInfo).port}/hook'`,
              body: `{'id': record.id}`,
            },
          },
          {
            key: 'again',
            update: { type: 'customer', id: 'record.id', fields: [{ field: 'jobTitle', value: `'Done'` }] },
          },
        ],
      });
      const ids = await Promise.all(Array.from({ length: records }, (_, index) => api.createCustomer(`Lyra ${index}`)));
      for (let kill = 0; kill < kills; kill++) {
        const enough = keys.length + Math.ceil(records / (2 * kills));
        await expect.poll(() => keys.length, { timeout: soakTimeoutMs, interval: 5 }).toBeGreaterThanOrEqual(enough);
        await platform.services.sync.kill();
        // The claims of the killed process end.
        await api.query('update flow_job set due_time = now() where tenant_id = $1', [tenant.tenantId]);
        await platform.services.sync.start();
      }

      const states = () =>
        api.query<{ state: string; count: number }>(
          'select state, count(*)::int as count from flow_run where tenant_id = $1 group by state',
          [tenant.tenantId],
        );
      await expect
        .poll(states, { timeout: soakTimeoutMs, interval: 500 })
        .toEqual([{ state: 'SUCCEEDED', count: records }]);

      const changes = await api.query<Json>(
        `select type, operation, count(*)::int as count, count(distinct causation_id)::int as runs from change_log
          where tenant_id = $1 and origin = 'flow' group by 1, 2 order by 1, 2`,
        [tenant.tenantId],
        'customers',
      );
      expect(changes).toEqual([
        { type: 'customer', operation: 'UPDATE', count: 2 * records, runs: records },
        { type: 'note', operation: 'CREATE', count: records, runs: records },
        { type: 'task', operation: 'CREATE', count: records, runs: records },
      ]);
      expect(new Set(keys).size).toBe(records);
      for (const id of ids.slice(0, 5)) {
        expect(await api.ok('GET', `/v1/customers/${id}`, undefined, { 'cache-control': 'no-cache' })).toMatchObject({
          jobTitle: 'Done',
        });
      }
      printTally('flow-runs-amid-kills', { records, kills, requests: keys.length });
    },
  );
}
