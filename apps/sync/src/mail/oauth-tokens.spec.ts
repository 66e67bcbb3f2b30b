import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import type { OutgoingExchange } from '../outgoing-http/outgoing-http.js';
import { OAuthTokens, type OAuthClient } from './oauth-tokens.js';

const client: OAuthClient = {
  tokenUrl: 'https://login.example.com/token',
  clientId: 'rapport',
  clientSecret: 'hush',
  refreshToken: 'first',
  scope: 'mail',
};

/** A token endpoint that answers in turn. */
function endpoint(...answers: { status?: number; body: object | string }[]) {
  const asked: URLSearchParams[] = [];
  const exchange = ({ body }: OutgoingExchange) => {
    asked.push(new URLSearchParams(body.toString()));
    const { status = 200, body: answer } = answers[asked.length - 1] ?? { status: 500, body: '' };
    const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
    return Promise.resolve({
      status,
      headers: new Headers(),
      stream: Readable.from([Buffer.from(text)]) as IncomingMessage,
    });
  };
  return { asked, exchange };
}

function owner(stored: string[] = []) {
  return { name: 'relay/a/b', store: (token: string) => Promise.resolve(void stored.push(token)) };
}

test('gets a token once for concurrent sessions, and another one before it ends', async () => {
  let now = 0;
  const http = endpoint({ body: { access_token: 'one', expires_in: 3_600 } }, { body: { access_token: 'two' } });
  const tokens = new OAuthTokens(http, () => now);

  const both = [tokens.accessToken(owner(), client), tokens.accessToken(owner(), client)];
  expect(await Promise.all(both)).toEqual(['one', 'one']);
  now = 3_539_000;
  expect(await tokens.accessToken(owner(), client)).toBe('one');
  now = 3_541_000;
  expect(await tokens.accessToken(owner(), client)).toBe('two');
  expect(http.asked.map((form) => Object.fromEntries(form))).toEqual(
    Array.from({ length: 2 }, () => ({
      ...{
        grant_type: 'refresh_token',
        refresh_token: 'first',
        client_id: 'rapport',
        client_secret: 'hush',
        scope: 'mail',
      },
    })),
  );
});

test('stores a refresh token that the server has replaced, and uses it next', async () => {
  const stored: string[] = [];
  const http = endpoint({ body: { access_token: 'one', refresh_token: 'second' } }, { body: { access_token: 'two' } });
  const tokens = new OAuthTokens(http);

  await tokens.accessToken(owner(stored), client);
  expect(stored).toEqual(['second']);
  // Another consent: the cached token belongs to the former one.
  expect(await tokens.accessToken(owner(), { ...client, refreshToken: 'third' })).toBe('two');
  expect(http.asked[1]?.get('refresh_token')).toBe('third');
});

test.each([
  [400, { error: 'invalid_grant' }, true],
  [401, { error: 'invalid_client' }, true],
  [400, { error: 'slow_down' }, false],
  [503, 'Service unavailable', false],
  [200, {}, false],
  [200, 'no JSON', false],
])('says whether a person must consent again: %i %j', async (status, body, isRefused) => {
  const tokens = new OAuthTokens(endpoint({ status, body }, { body: { access_token: 'later' } }));
  await expect(tokens.accessToken(owner(), client)).rejects.toMatchObject({ isRefused });
  // A failure is not cached.
  expect(await tokens.accessToken(owner(), client)).toBe('later');
});
