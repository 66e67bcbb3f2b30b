import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConsentingUser } from './consenting-user.js';
import { RunningProvider } from './running-provider.js';

const races = sizeOf('REFRESH_RACES', { short: 24, long: 5_000 });

let provider: RunningProvider;
let user: ConsentingUser;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  user = await ConsentingUser.of(provider);
});
afterAll(() => provider.stop());

test('a revocation that races against a refresh leaves no token behind', { timeout: soakTimeoutMs }, async () => {
  const seed = printedSeed('refresh races');
  let drawn = 0;
  const random = () =>
    createHash('sha256')
      .update(`${seed} ${(drawn += 1)}`)
      .digest()
      .readUInt32BE() /
    2 ** 32;
  const { refresh: refreshToken } = await user.newTokens();
  // Either one starts up to this much before the other.
  const maxLeadMs = await durationMs(() => user.refresh(refreshToken));
  let refreshed = 0;
  const survivors: string[] = [];
  for (let race = 0; race < races; race += 1) {
    const first = await user.newTokens();
    const leadMs = (random() * 2 - 1) * maxLeadMs;
    const [next] = await Promise.all([
      after(leadMs, () => user.refresh(first.refresh)).catch((error: unknown) => {
        expect(error).toMatchObject({ error: 'invalid_grant' });
        return undefined;
      }),
      after(-leadMs, () => user.revoke(random() < 0.5 ? first.refresh : first.access)),
    ]);
    if (next) refreshed += 1;
    survivors.push(...(await user.usable(first, ...(next ? [next] : []))));
  }
  printTally('refresh races', { races, refreshed });

  expect(survivors).toEqual([]);
  // Otherwise the revocation always came first, and the test proves nothing.
  expect(refreshed).toBeGreaterThan(0);
  const left = await provider.sql(
    `select kind from oidc_record token
      where tenant_id = $1 and kind in ('AccessToken', 'RefreshToken', 'AuthorizationCode')
        and not exists (select from oidc_record owner where owner.hash = token.grant_hash)`,
    [provider.caller.tenantId],
  );
  expect(left).toEqual([]);
});

async function durationMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Starts at once when `leadMs` is negative. */
async function after<Result>(leadMs: number, work: () => Promise<Result>): Promise<Result> {
  // The lead is what the test varies.
  if (leadMs > 0) await wait(leadMs);
  return work();
}
