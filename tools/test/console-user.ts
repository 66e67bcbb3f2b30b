import { Browser, type Visited } from '@rapport/testing';
import { expect } from 'vitest';
import type { Person } from './people.ts';

/** Header lines that the console's own pages send with each call, and that no other page can send. */
export const ofConsole = { 'rapport-console': '1', 'sec-fetch-site': 'same-origin' };

/** A person with a session of the console, as a browser without the console's scripts. */
export class ConsoleUser {
  readonly browser: Browser;
  /** The Set-Cookie lines of the callback. */
  readonly setCookies: readonly string[];
  /** Where the sign-in has led to. */
  readonly landedAt: string;
  private readonly edgeUrl: string;

  private constructor(edgeUrl: string, browser: Browser, { headers, url }: Visited) {
    this.edgeUrl = edgeUrl;
    this.browser = browser;
    this.setCookies = headers.getSetCookie();
    this.landedAt = url;
  }

  static async signIn(
    edgeUrl: string,
    workspace: string,
    { email, password }: Person,
    options: { code?: string; query?: string } = {},
  ): Promise<ConsoleUser> {
    const { browser, page } = await openSignIn(edgeUrl, `workspace=${workspace}${options.query ?? ''}`);
    const callback = await browser.submit(page, '/sign-in', { workspace, email, password, code: options.code ?? '' });
    expect(callback.url, callback.text).toContain('/console/callback?code=');
    return new ConsoleUser(edgeUrl, browser, await browser.visit(callback.url));
  }

  /** The sealed cookie of the session. */
  get cookie(): string {
    return this.browser.cookies.find((value) => value.startsWith('eyJ')) ?? '';
  }

  /** A call of the console's scripts. @param edgeUrl of another edge */
  call(
    method: string,
    path: string,
    changes: { headers?: object; body?: object; edgeUrl?: string } = {},
  ): Promise<Response> {
    const { headers = ofConsole, body, edgeUrl = this.edgeUrl } = changes;
    return fetch(edgeUrl + path, {
      method,
      headers: {
        cookie: `rapport-console=${this.cookie}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  }
}

/** The provider's sign-in page, as the console opens it. */
export async function openSignIn(edgeUrl: string, query: string): Promise<{ browser: Browser; page: Visited }> {
  const browser = new Browser(edgeUrl);
  return { browser, page: await browser.visit(`${edgeUrl}/console/sign-in?${query}`) };
}
