import type { OAuthClient } from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import type { Browser } from '@rapport/testing';
import type { Client, RunningProvider } from './running-provider.js';

export interface TokenPair {
  access: string;
  refresh: string;
}

/** A user who has signed in to a client in a browser, and consents to each request. */
export class ConsentingUser {
  private constructor(
    readonly provider: RunningProvider,
    readonly client: Client,
    private readonly browser: Browser,
  ) {}

  /** @param wanted of its client, a confidential one by default */
  static async of(provider: RunningProvider, wanted: Partial<OAuthClient> = {}): Promise<ConsentingUser> {
    const client = await provider.newClient(wanted);
    const { email, password } = await provider.newUser(client.caller);
    const { browser, page } = await provider.authorize(client);
    await browser.submit(page, '/sign-in', { email, password });
    return new ConsentingUser(provider, client, browser);
  }

  /** @returns exchanges the received code, which is valid once */
  async newCode(): Promise<() => Promise<TokenPair>> {
    const { page, verifier, state } = await this.provider.authorize(this.client, undefined, this.browser);
    const { url } = await this.browser.submit(page, '/consent');
    return async () => pairOf(await this.provider.exchange(this.client, new URL(url), verifier, state));
  }

  async newTokens(): Promise<TokenPair> {
    const exchange = await this.newCode();
    return exchange();
  }

  async refresh(token: string): Promise<TokenPair> {
    return pairOf(await this.provider.refresh(this.client, token));
  }

  revoke(token: string): Promise<void> {
    return this.provider.revoke(this.client, token);
  }

  /** The tokens that are still valid. */
  async usable(...pairs: TokenPair[]): Promise<string[]> {
    const found: string[] = [];
    for (const pair of pairs) {
      if (await this.provider.isActive(pair.access)) found.push('access');
      if ((await this.provider.introspect(this.client, pair.refresh)).active) found.push('refresh');
    }
    return found;
  }
}

function pairOf(tokens: { access_token: string; refresh_token?: string }): TokenPair {
  return { access: tokens.access_token, refresh: tokens.refresh_token ?? '' };
}
