import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Browser, sharedPlatform, type SharedPlatform } from '@rapport/testing';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { expect, inject, onTestFinished, TestRunner, vi } from 'vitest';
import { Profile, type Look, type SetCookie } from './profiles.ts';

export type Json = Record<string, unknown>;

interface Person {
  id: string;
  email: string;
  password: string;
  name: string;
}

type Options = Look & Pick<BrowserContextOptions, 'locale' | 'timezoneId' | 'hasTouch' | 'isMobile'>;

/** A workspace of its own on the shared platform, with people who use the console in Chromium. */
export class Workspace {
  /** By person and options. */
  readonly #profiles = new Map<string, Promise<Profile>>();
  /** The person of tests that need any. */
  #anyone?: Promise<Person>;

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
  api<Answer = Json>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#call(method, path, body, { authorization: `Bearer ${this.apiKey}`, ...headers });
  }

  /** Calls the API for a person, as a page of the console does. @throws AssertionError for another status than 2xx */
  async apiAs<Answer = Json>(person: Person, method: string, path: string, body?: unknown): Promise<Answer> {
    const { name, value } = await this.#signIn(person);
    return this.#call(method, path, body, {
      cookie: `${name}=${value}`,
      'rapport-console': '1',
      'sec-fetch-site': 'same-origin',
    });
  }

  async #call<Answer>(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
    const response = await fetch(this.platform.edgeUrl + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
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

  /** A page of a person at a path of the console. A page of a test is used again after it; one of `beforeAll` stays. */
  async open(path = '/', person?: Person, options: Options = {}): Promise<Page> {
    this.#anyone ??= this.person();
    const { viewport, colorScheme, ...others } = options;
    const profile = await this.#profileOf(person ?? (await this.#anyone), others);
    const page = await profile.page({ viewport, colorScheme });
    if (TestRunner.getCurrentTest()) onTestFinished(() => profile.leave(page));
    await page.goto(this.platform.edgeUrl + path);
    await page.locator('#main :is(h1, h2)').first().waitFor();
    return page;
  }

  /** Ends what the pages of this workspace show. */
  async close(): Promise<void> {
    const profiles = await Promise.all(this.#profiles.values());
    this.#profiles.clear();
    await Promise.all(profiles.map((profile) => profile.giveBack()));
  }

  #profileOf(person: Person, options: BrowserContextOptions): Promise<Profile> {
    const key = JSON.stringify([person.id, options]);
    const known = this.#profiles.get(key);
    if (known) return known;
    const taken = this.#signIn(person).then((session) => Profile.take(options, session));
    this.#profiles.set(key, taken);
    return taken;
  }

  /** The cookie of a new session, without Chromium, which would load two more pages for it. */
  async #signIn({ email, password }: Person): Promise<SetCookie> {
    const { edgeUrl } = this.platform;
    const browser = new Browser(edgeUrl);
    const form = await browser.visit(`${edgeUrl}/console/sign-in?workspace=${this.slug}`);
    const callback = await browser.submit(form, '/sign-in', { workspace: this.slug, email, password });
    const { headers } = await browser.visit(callback.url);
    const [, value = ''] = /^rapport-console=([^;]+)/m.exec(headers.getSetCookie().join('\n')) ?? [];
    expect(value, callback.text).not.toBe('');
    return { name: 'rapport-console', value, url: edgeUrl, httpOnly: true, sameSite: 'Strict' };
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
