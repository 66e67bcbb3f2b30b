import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Browser, sharedPlatform, type SharedPlatform } from '@rapport/testing';
import type { BrowserContextOptions, Cookie, Page } from 'playwright-core';
import { expect, inject, onTestFinished, TestRunner, vi } from 'vitest';
import { Profile } from './profiles.ts';

export type Json = Record<string, unknown>;

interface Person {
  id: string;
  email: string;
  password: string;
  name: string;
}

/** A workspace of its own on the shared platform, with people who use the console in Chromium. */
export class Workspace {
  /** By person and options. */
  readonly #profiles = new Map<string, Promise<Profile>>();
  /** The person of tests that need any, and the cookies of who has signed in. */
  #anyone?: Promise<Person>;
  readonly #signedIn = new Map<string, Cookie[]>();

  private constructor(
    readonly platform: SharedPlatform,
    readonly tenantId: string,
    private readonly apiKey: string,
    readonly slug: string,
  ) {}

  static async create(): Promise<Workspace> {
    const platform = await sharedPlatform(inject('platformUrl'));
    const slug = `kestrel-${crypto.randomUUID().slice(0, 8)}`;
    const { tenantId, apiKey } = await platform.createTenant('Kestrel Instruments', undefined, slug);
    return new Workspace(platform, tenantId, apiKey, slug);
  }

  /** Calls the API with a key that has all rights. @throws AssertionError for another status than 2xx */
  async api<Answer = Json>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(this.platform.edgeUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${this.apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    expect(response.ok, `${method} ${path}: ${response.status} ${text}`).toBe(true);
    return (text === '' ? {} : JSON.parse(text)) as Answer;
  }

  /** A user who was invited and has accepted. */
  async person(roleIds = ['admin'], name = 'Mara Lindqvist'): Promise<Person> {
    const email = `${crypto.randomUUID()}@example.com`;
    const { id } = await this.api<{ id: string }>('POST', '/v1/users', { email, displayName: name, roleIds });
    const browser = new Browser(this.platform.edgeUrl);
    const invitation = await browser.visit(await this.#mailedLink(email));
    const password = 'dust jigsaw plinth';
    await browser.submit(invitation, '/invitation', { displayName: name, password });
    return { id, email, password, name };
  }

  /**
   * A page of a person at a path of the console. The first one of each person signs in through the provider; others have its cookie.
   * A page of a test is used again after it; one of `beforeAll` stays.
   */
  async open(path = '/', person?: Person, options: BrowserContextOptions = {}): Promise<Page> {
    this.#anyone ??= this.person();
    const { id, email, password } = person ?? (await this.#anyone);
    const profile = await this.#profileOf(id, options);
    const page = await profile.page();
    if (TestRunner.getCurrentTest()) onTestFinished(() => profile.leave(page));
    const { edgeUrl } = this.platform;
    if (this.#signedIn.has(id)) await page.goto(edgeUrl + path);
    else {
      await page.goto(`${edgeUrl}/console/sign-in?workspace=${this.slug}&return=${encodeURIComponent(path)}`);
      await page.locator('input[name=email]').fill(email);
      await page.locator('input[name=password]').fill(password);
      await page.locator('form button[type=submit], form button:not([type])').first().click();
      await page.waitForURL((url) => url.pathname === new URL(path, url).pathname);
    }
    await page.locator('#main :is(h1, h2)').first().waitFor();
    this.#signedIn.set(id, await page.context().cookies());
    return page;
  }

  /** Ends what the pages of this workspace show. */
  async close(): Promise<void> {
    const profiles = await Promise.all(this.#profiles.values());
    this.#profiles.clear();
    await Promise.all(profiles.map((profile) => profile.giveBack()));
  }

  #profileOf(personId: string, options: BrowserContextOptions): Promise<Profile> {
    const key = JSON.stringify([personId, options]);
    const known = this.#profiles.get(key);
    if (known) return known;
    const taken = Profile.take(options, this.#signedIn.get(personId));
    this.#profiles.set(key, taken);
    return taken;
  }

  async #mailedLink(email: string): Promise<string> {
    const { mailDir } = this.platform;
    const mail = await vi.waitFor(
      async () => {
        const files = await readdir(mailDir);
        const all = await Promise.all(files.map((file) => readFile(join(mailDir, file), 'utf8')));
        const found = all.find((text) => text.includes(`To: ${email}`));
        expect(found).toBeDefined();
        return found ?? '';
      },
      { timeout: 60_000 },
    );
    return /https?:\S+token=[\w-]+/.exec(mail)?.[0] ?? '';
  }
}

/** Goes to a path of the console as a link does, without loading the program anew, and waits for its heading. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    for (const heading of document.querySelectorAll('#main :is(h1, h2)')) heading.setAttribute('data-left', '');
    history.pushState({}, '', to);
  }, path);
  await expect.poll(() => page.locator('[data-left]').count()).toBe(0);
  await page.locator('#main :is(h1, h2)').first().waitFor();
}

/** What a page reports that it should not: errors of its scripts and console, refusals of its policy, requests to other origins. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  const { origin } = new URL(page.url());
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && !['data:', 'blob:'].includes(url.protocol)) faults.push(`request: ${url.origin}`);
  });
  return faults;
}
