// Makes pictures of the console of a Rapport that `npm start` runs, in both themes and three widths:
//   npx nx run tools:screenshots                      to .rapport/screenshots
//   node tools/screenshots.ts FOLDER zh-CN home deals to another folder, in Chinese, of other screens
//   RAPPORT_DIR  folder of the running Rapport (.rapport)
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startChromium } from '@rapport/testing';
import { apiOf, type Api } from './demo/api.ts';
import { readDemo, type Demo } from './demo/demo.ts';

type Browser = Awaited<ReturnType<typeof startChromium>>;
type Context = Awaited<ReturnType<Browser['newContext']>>;
type Page = Awaited<ReturnType<Context['newPage']>>;

/** Widths in CSS pixels and heights of a desk, a small laptop and a phone. */
const sizes = [
  [1_440, 900],
  [1_024, 768],
  [390, 844],
] as const;
const themes = ['light', 'dark'] as const;

/** Screens that stand for all. The last one shows the calls that were made for the others. */
const five = ['home', 'customers', 'customer', 'deals', 'traffic'];

/** A page is looked at once it has not changed for so long. */
const stillMs = 600;
const longestMs = 10_000;

const dataDir = resolve(import.meta.dirname, '..', process.env['RAPPORT_DIR'] ?? '.rapport');
const [folder = join(dataDir, 'screenshots'), locale = 'en-GB', ...only] = process.argv.slice(2);

const known = await readDemo(dataDir);
if (!known?.apiKey || !known.isComplete) throw new Error(`There is no complete demo in ${dataDir}.`);
await takePictures({ ...known, apiKey: known.apiKey });

async function takePictures(demo: Demo): Promise<void> {
  const { url, workspace, users } = demo;
  const end = new AbortController();
  const api = apiOf(url, demo.apiKey, end.signal);
  const paths = await pathsOf(api);
  const screens = (only.length > 0 ? only : five).map((name) => [name, paths[name] ?? `/${name}`] as const);
  await mkdir(folder, { recursive: true });
  const browser = await startChromium({ withChineseFonts: true });
  const traffic = makeTraffic(demo, end.signal);
  try {
    const signedIn = await signIn(browser, `${url}/console/sign-in?workspace=${workspace}&return=/`, users[0]!);
    for (const colorScheme of themes) {
      for (const [width, height] of sizes) {
        const viewport = { width, height };
        const context = await browser.newContext({ viewport, colorScheme, locale, storageState: signedIn });
        // All are opened before the first picture: the last one, of live traffic, begins empty.
        const pages = await Promise.all(screens.map(() => context.newPage()));
        for (const [index, [, path]] of [...screens.entries()].reverse()) await pages[index]!.goto(url + path);
        for (const [index, [name]] of screens.entries()) {
          const file = join(folder, `${name}-${colorScheme}-${width}.png`);
          await untilStill(pages[index]!);
          await pages[index]!.screenshot({ path: file });
          console.log(file);
        }
        await context.close();
      }
    }
  } finally {
    end.abort();
    await Promise.all([traffic, browser.close()]);
  }
}

/** The paths of screens that are not named like their paths. */
async function pathsOf(api: Api): Promise<Record<string, string>> {
  const filter = encodeURIComponent('displayName = "Müller & Söhne Feinmechanik GmbH"');
  const { customers } = await api<{ customers: { id: string }[] }>('GET', `/v1/customers?filter=${filter}`);
  return {
    home: '/',
    customer: `/customers/${customers[0]?.id}`,
    deals: '/deals/board',
  };
}

/** The state of a browser in which the user is signed in. */
async function signIn(browser: Browser, address: string, { email, password }: Demo['users'][number]) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address);
  await page.fill('input[name=email]', email);
  await page.fill('input[name=password]', password);
  await Promise.all([page.waitForURL((to) => to.pathname === '/'), page.press('input[name=password]', 'Enter')]);
  const state = await context.storageState();
  await context.close();
  return state;
}

/** Resolves when the page has not changed for a while, or changes all the time, as live charts do. */
async function untilStill(page: Page): Promise<void> {
  const script = `new Promise((resolve) => {
    let timer = setTimeout(resolve, ${stillMs});
    new MutationObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(resolve, ${stillMs});
    }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    setTimeout(resolve, ${longestMs});
  })`;
  await page.evaluate(script);
}

/** Calls as a few programs make them until `end`: reads of changing and of unchanged records, now and then a refused one. */
async function makeTraffic({ url, apiKey }: Demo, end: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}` };
  const paths = ['/v1/customers?pageSize=50', '/v1/deals?pageSize=50', '/v1/pipelines', '/v1/search?q=m%C3%BCller'];
  for (let count = 0; !end.aborted; count += 1) {
    const path = count % 40 === 0 ? '/v1/customers?filter=nothing' : (paths[count % 4] ?? '');
    await (await fetch(url + path, { headers })).arrayBuffer();
    await new Promise((next) => setTimeout(next, 20 + 15 * Math.sin(count / 60)));
  }
}
