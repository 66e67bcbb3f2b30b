import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConsentingUser } from './consenting-user.js';
import { redirectUri, RunningProvider } from './running-provider.js';

let provider: RunningProvider;
let user: ConsentingUser;

beforeAll(async () => {
  // Its database refuses all writes for a while.
  provider = await RunningProvider.start({});
  user = await ConsentingUser.of(provider);
});
afterAll(() => provider.stop());

/** Refuses writes as PostgreSQL does when its volume is full. */
async function fill(): Promise<void> {
  await provider.sql(`
    create function refuse_full() returns trigger language plpgsql as
      $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$`);
  for (const table of ['oidc_record', 'user_session', 'attempt_window', 'audit_entry']) {
    await provider.sql(`create trigger full_volume before insert or update or delete on ${table}
      for each statement execute function refuse_full()`);
  }
}

const empty = () => provider.sql('drop function refuse_full cascade');

test('a full volume refuses tokens and pages with 503, and the tokens of before are valid afterwards', async () => {
  const tokens = await user.newTokens();
  const { browser, page } = await provider.authorize(user.client);
  const person = await provider.newUser(user.client.caller);
  await fill();

  const authorization = new URL(provider.server.authorization_endpoint ?? '');
  authorization.search = new URLSearchParams({
    ...{ client_id: user.client.record.clientId, redirect_uri: redirectUri, response_type: 'code', scope: 'openid' },
    ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' },
  }).toString();
  const { client_id: id } = user.client.client;
  const refused = [
    await fetch(authorization, { redirect: 'manual' }),
    await fetch(provider.server.token_endpoint ?? '', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${id}:${user.client.record.secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'customers.read' }),
    }),
  ];
  const signIn = await browser.submit(page, '/sign-in', { email: person.email, password: person.password });
  await empty();

  for (const { status, headers } of [...refused, signIn]) {
    expect([status, headers.get('retry-after')]).toEqual([503, '30']);
  }
  expect(await refused[1]!.json()).toMatchObject({ error: 'server_error' });
  expect(await user.usable(await user.refresh(tokens.refresh))).toEqual(['access', 'refresh']);
});
