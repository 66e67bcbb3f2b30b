import { join } from 'node:path';
import { freePort, type Platform, type Service } from '@rapport/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HookedTable, type HookAnswer } from './hooked-table.ts';

const failuresPerMinute = 10;
const costOfHook = 5;
const unitsPerMinute = 500;

let edge: Service;
let table: HookedTable;

const send = (connection = table.connection, secret = table.secret): Promise<HookAnswer> => {
  const message = table.about('1');
  return table.post(message, table.signed(message, { secret }), connection);
};
const wrong = `whsec_${Buffer.alloc(24, 'wrong').toString('base64')}`;
const codesOf = async (count: number, ask: () => Promise<HookAnswer>) => {
  const answers: HookAnswer[] = [];
  for (let n = 0; n < count; n++) answers.push(await ask());
  return answers.map(({ body, status }) => body.code ?? status);
};

/** @param current gives a platform, which gets a further edge: it allows so few failures to an address, and all tests have one */
export function declareHookLimits(current: () => Platform): void {
  describe('an edge with low limits', () => {
    let edgeUrl: string;
    beforeAll(async () => {
      const { logDir, services } = current();
      const [port, healthPort] = [await freePort(), await freePort()];
      edgeUrl = `http://127.0.0.1:${port}`;
      const env = {
        ...{ EDGE_PORT: String(port), HEALTH_PORT: String(healthPort) },
        RATE_PLANS: JSON.stringify({ standard: { keyUnits: unitsPerMinute, tenantUnits: unitsPerMinute } }),
        FAILED_AUTHENTICATIONS_PER_MINUTE: String(failuresPerMinute),
      };
      edge = services.edge.another({
        name: 'limited-edge',
        env,
        healthPort,
        logFile: join(logDir, 'limited-edge.log'),
      });
      await edge.start();
    });
    afterAll(() => edge.stop());

    beforeEach(async () => {
      table = await HookedTable.create({ ...current(), edgeUrl });
    });

    test('a connection has a rate limit of its own, which affects no other', async () => {
      const other = await table.connect({ webhookSecret: table.secret });
      const most = unitsPerMinute / costOfHook;

      const codes = await codesOf(most + 1, () => send());

      expect(codes).toEqual([...Array<number>(most).fill(202), 'RATE_LIMITED']);
      const refused = await send();
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await send(other)).status).toBe(202);
      // What is asked with a key has its own.
      expect((await table.hooks()).length).toBe(most);
    });

    test('an address with invalid signatures only is limited, and one with valid signatures before is not', async () => {
      const other = await table.connect({ webhookSecret: table.secret });
      expect((await send()).status).toBe(202);

      const codes = await codesOf(failuresPerMinute + 1, () => send(other, wrong));

      expect(codes).toEqual([
        ...Array<string>(failuresPerMinute).fill('HOOK_NOT_PROVEN'),
        'TOO_MANY_FAILED_AUTHENTICATIONS',
      ]);
      expect(await send(crypto.randomUUID())).toMatchObject({ status: 429 });
      expect((await send()).status).toBe(202);
      expect(await codesOf(failuresPerMinute + 1, () => send(table.connection, wrong))).toEqual(codes);
    });
  });
}
