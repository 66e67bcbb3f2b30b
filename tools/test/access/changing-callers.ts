import { Browser, queryDatabase, type SharedPlatform } from '@rapport/testing';
import * as client from 'openid-client';
import { expect } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { newPerson } from '../people.ts';

const redirectUri = 'https://app.example.com/callback';

/** A caller that loses rights. */
export interface ChangingCaller {
  authorization: string;
  /** Removes the rights. Resolves when that is done. */
  change: () => Promise<unknown>;
}

/** Creates callers of one tenant, each of which loses rights in a different way. */
export class ChangingCallers {
  readonly #platform: SharedPlatform;
  readonly #api: ApiClient;
  readonly #permissions: readonly string[];

  constructor(platform: SharedPlatform, api: ApiClient, permissions: readonly string[]) {
    [this.#platform, this.#api, this.#permissions] = [platform, api, permissions];
  }

  /** @param change how the key loses rights */
  async key(change: (id: string) => Promise<unknown>): Promise<ChangingCaller> {
    const { id, key } = await this.#create('/v1/apiKeys', { displayName: 'Key', permissions: this.#permissions });
    return { authorization: `Bearer ${key}`, change: () => change(id) };
  }

  revokeKey(id: string): Promise<unknown> {
    return this.send('POST', `/v1/apiKeys/${id}:revoke`);
  }

  /** Changes the key in the database, since the API can't. A change of another key over the API then notifies the edges. */
  async narrowKey(id: string): Promise<unknown> {
    const url = new URL(this.#platform.customersDatabase.superuserUrl);
    url.pathname = 'auth';
    await queryDatabase(url.href, `update api_key set permissions = '{account.read}' where id = $1`, [id]);
    const other = await this.#create('/v1/apiKeys', { displayName: 'Other', permissions: ['account.read'] });
    return this.revokeKey(other.id);
  }

  /** @param change how the user, who has one role, loses rights */
  async user(change: (userId: string, roleId: string) => Promise<unknown>): Promise<ChangingCaller> {
    const { id: roleId } = await this.#create('/v1/roles', {
      ...{ displayName: crypto.randomUUID(), permissions: this.#permissions, recordScope: 'ALL' },
    });
    const person = await newPerson(this.#platform, this.#api, [roleId]);
    const token = await this.#signIn(person.email, person.password);
    return { authorization: `Bearer ${token}`, change: () => change(person.id, roleId) };
  }

  async send(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await this.#api.send(method, path, body && { body });
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  }

  async #create(path: string, body: object): Promise<Record<string, string> & { id: string }> {
    return (await this.send('POST', path, body)) as Record<string, string> & { id: string };
  }

  /** An access token of an app, after a user's sign-in on our pages. */
  async #signIn(email: string, password: string): Promise<string> {
    const { clientId = '', secret } = await this.#create('/v1/oauthClients', {
      ...{ displayName: 'Reader of changes', confidential: true, redirectUris: [redirectUri] },
      ...{ grantTypes: ['AUTHORIZATION_CODE'], permissions: this.#permissions },
    });
    const insecure = { execute: [client.allowInsecureRequests] };
    const program = await client.discovery(new URL(this.#platform.edgeUrl), clientId, secret, undefined, insecure);
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    const url = client.buildAuthorizationUrl(program, {
      redirect_uri: redirectUri,
      scope: ['openid', ...this.#permissions].join(' '),
      state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    const browser = new Browser(this.#platform.edgeUrl);
    const asked = await browser.submit(await browser.visit(url.href), '/sign-in', { email, password });
    const { url: callback } = await browser.submit(asked, '/consent');
    const checks = { pkceCodeVerifier, expectedState };
    return (await client.authorizationCodeGrant(program, new URL(callback), checks)).access_token;
  }
}
