import { sharedByFiles, startChromium } from '@rapport/testing';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

export type SetCookie = Parameters<BrowserContext['addCookies']>[0][number];

const chromium = sharedByFiles(startChromium, (browser) => browser.close());

/** What pages of one profile may differ in. */
export interface Look {
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
}

const desktop = { width: 1440, height: 900 };

/** Those that no workspace uses, by their options. */
const unused = new Map<string, Profile[]>();

/**
 * A context of Chromium, which one person after the other uses, in one test file after the other. To load the console in a new process
 * takes 2.2 s of processor time, since its scripts are compiled; to load it in a page that was used before, 0.7 s.
 */
export class Profile {
  /** Pages that no test uses. */
  readonly #unused: Page[] = [];

  private constructor(
    private readonly context: BrowserContext,
    private readonly options: string,
  ) {}

  /** One that has the cookie of a session and nothing else. */
  static async take(options: BrowserContextOptions, session: SetCookie): Promise<Profile> {
    const key = JSON.stringify(options);
    const profile = unused.get(key)?.pop() ?? new Profile(await contextOf(options), key);
    await profile.context.addCookies([session]);
    return profile;
  }

  async page({ viewport = desktop, colorScheme = 'light' }: Look): Promise<Page> {
    const page = this.#unused.pop() ?? (await this.context.newPage());
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    return page;
  }

  /** Takes back a page, without what the test added to it. It still shows what it showed. */
  async leave(page: Page): Promise<void> {
    page.removeAllListeners();
    await page.unrouteAll();
    await page.mouse.move(0, 0);
    this.#unused.push(page);
  }

  /** Takes back all pages, and forgets who used them. One stays at the console's origin, because its process does then. */
  async giveBack(): Promise<void> {
    const [first, ...others] = this.context.pages();
    await Promise.all(others.map((page) => page.close()));
    this.#unused.length = 0;
    if (first) {
      await this.leave(first);
      const icon = await first.evaluate(() => {
        localStorage.clear();
        return document.querySelector<HTMLLinkElement>('link[rel=icon]')?.href ?? 'about:blank';
      });
      await first.goto(icon);
    }
    await this.context.clearCookies();
    await this.context.clearPermissions();
    unused.set(this.options, [...(unused.get(this.options) ?? []), this]);
  }
}

async function contextOf(options: BrowserContextOptions): Promise<BrowserContext> {
  const browser = await chromium();
  const context = await browser.newContext({ locale: 'en', ...options });
  // Pages without a route send past Playwright, and one request in 1,500 still does just after the first route has been added.
  await context.route('**/routed-by-no-test', (route) => route.fallback());
  return context;
}
