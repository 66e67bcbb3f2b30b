import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from './ask.js';
import { publicUrl, sign, startIssuer, type RunningIssuer } from './running-issuer.js';
import { startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

let ores: RunningOres;
let issuer: RunningIssuer;
let edge: RunningEdge;

beforeAll(async () => {
  [ores, issuer] = await Promise.all([startOres(), startIssuer()]);
  edge = await ores.startEdge({ authHttpAddress: issuer.address, publicUrl });
});
afterAll(async () => {
  await ores.stop();
  await issuer.stop();
});

async function statusFor(token: string): Promise<number> {
  return (await ask(`${edge.url}/v1/ores`, { headers: { authorization: `Bearer ${token}` } })).status;
}

it('an access token has one spelling', async () => {
  const token = await sign(issuer.published[0]!);
  const bits = alphabet.indexOf(token.at(-1) ?? '');
  // The last four bits of 86 characters belong to none of the 64 bytes.
  const spellings = Array.from({ length: 16 }, (_, unused) => token.slice(0, -1) + alphabet[(bits & 0x30) | unused]);
  expect(spellings).toContain(token);

  expect(await Promise.all(spellings.filter((spelling) => spelling !== token).map(statusFor))).toEqual(
    Array(15).fill(401),
  );
  for (const padding of ['=', '==', '.']) expect(await statusFor(token + padding)).toBe(401);
  expect(await statusFor(token)).toBe(200);
});
