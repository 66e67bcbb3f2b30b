import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

let auth: RunningAuth;

beforeAll(async () => {
  auth = await RunningAuth.start();
});
afterAll(() => auth.stop());

test.each([
  ['POST', '/oauth/interactions/0123456789', 'GET'],
  ['GET', '/oauth/interactions/0123456789/sign-in', 'POST'],
  ['PUT', '/oauth/interactions/0123456789/forgotten-password', 'GET, POST'],
  ['PUT', '/oauth/invitation', 'GET, POST'],
])('%s of %s is refused with the allowed methods', async (method, path, allow) => {
  const answer = await fetch(auth.issuer + path, { method });

  expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
});
