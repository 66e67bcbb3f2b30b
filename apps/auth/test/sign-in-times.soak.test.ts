import { Worker } from 'node:worker_threads';
import { Browser, isSoak, median, medianNoise, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { HashJob } from '../src/sign-in/passwords/hash-worker.js';
import { RunningProvider, type Client } from './running-provider.js';

const rounds = sizeOf('SIGN_IN_ROUNDS', { short: 4, long: 200 });

let provider: RunningProvider;
let client: Client;
let email: string;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  client = await provider.newClient();
  // The password is hashed with the parameters of production.
  ({ email } = (await provider.auth.acceptedUser(client.caller)).user);
});
afterAll(() => provider.stop());
afterEach(() => void vi.restoreAllMocks());

type Name = 'known' | 'unknown';

test(
  'signing in tells by neither words nor time whether there is such an account',
  { timeout: soakTimeoutMs },
  async () => {
    const times: Record<Name, number[]> = { known: [], unknown: [] };
    const seen: Record<Name, Set<string>> = { known: new Set(), unknown: new Set() };
    const sendJob = vi.spyOn(Worker.prototype, 'postMessage');
    for (let round = 0; round < rounds; round += 1) {
      // Both take turns in going first.
      for (const name of round % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)) {
        const { text, ms } = await tryWrongPassword(name === 'known' ? email : 'nobody@example.com', `10.1.${round}.1`);
        times[name].push(ms);
        const jobs = sendJob.mock.calls.splice(0).map(([job]) => workOf(job as HashJob));
        seen[name].add(JSON.stringify({ text, jobs }));
      }
    }
    const [known, unknown] = [median(times.known), median(times.unknown)];
    printTally('sign-in times', { rounds, knownMs: known.toFixed(1), unknownMs: unknown.toFixed(1) });

    expect(seen.known.size).toBe(1);
    expect(seen.unknown).toEqual(seen.known);
    // Hashing takes most of the response time, so a few responses, or a busy machine, do not show a difference in the rest.
    if (isSoak) expect(Math.abs(unknown - known)).toBeLessThanOrEqual(Math.max(medianNoise(times.known), known / 4));
  },
);

/** The parameters that determine the duration of a hash. */
function workOf({ parameters: { message, nonce, ...parameters } }: HashJob) {
  return { ...parameters, message, nonceLength: Buffer.from(nonce as Uint8Array).length };
}

/** @returns the page of the failure, without its random parts */
async function tryWrongPassword(account: string, address: string): Promise<{ text: string; ms: number }> {
  const browser = new Browser(provider.auth.issuer, address);
  const { page } = await provider.authorize(client, undefined, browser);
  const start = performance.now();
  const { status, text } = await browser.submit(page, '/sign-in', { email: account, password: 'wrong password' });
  const ms = performance.now() - start;
  expect(status).toBe(401);
  return { text: text.replaceAll(account, '').replaceAll(/interactions\/[\w-]+/g, ''), ms };
}
