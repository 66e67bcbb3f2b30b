import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goTo, Workspace, type Json } from './workspace.ts';

/** What a mail tries: each runs, loads, leaves its frame or covers the console if it is let. */
const attacks: readonly string[] = [
  `<script>parent.broken = 1; fetch('/attack/script')</script>`,
  `<img src=x onerror="parent.broken = 1"><img src="https://attack.example/pixel.gif" width=1 height=1>`,
  `<img src="/attack/own-origin"><img srcset="https://attack.example/srcset 2x" alt="A picture">`,
  `<svg onload="parent.broken = 1"><use href="https://attack.example/svg#a"/><script>parent.broken = 1</script></svg>`,
  `<math><mtext><table><mglyph><style><img src=x onerror="parent.broken=1"></style></mglyph></table></mtext></math>`,
  `<iframe src="https://attack.example/frame"></iframe><iframe srcdoc="<script>top.broken=1</script>"></iframe>`,
  `<object data="https://attack.example/object"></object><embed src="https://attack.example/embed">`,
  `<link rel=stylesheet href="https://attack.example/sheet.css"><style>@import 'https://attack.example/import.css';</style>`,
  `<base href="https://attack.example/"><meta http-equiv=refresh content="0;url=https://attack.example/refresh">`,
  `<div style="background:url(https://attack.example/background);position:fixed;inset:0;z-index:9999">Covered</div>`,
  `<p style='background-image:image-set("https://attack.example/set" 1x);list-style-image:url(//attack.example/list)'>a</p>`,
  `<form action="https://attack.example/form"><input name=q value=secret><button>Sign in again</button></form>`,
  `<a href="javascript:parent.broken=1" id=script>Script</a><a href="data:text/html,<script>1</script>" id=data>Data</a>`,
  `<a href="https://example.com/portal" target=_top id=portal onclick="parent.broken=1">Portal</a>`,
  `<video src="https://attack.example/video" autoplay poster="https://attack.example/poster"></video><audio src=//attack.example/a>`,
  `<a name=body></a><img name=body><p id=main>Clobbered</p><template><img src=x onerror=parent.broken=1></template>`,
  `<table background="https://attack.example/table"><tr><td bgcolor="#ffeeaa">The words of the customer</td></tr></table>`,
  `<div>${'<div>'.repeat(2_000)}Deep${'</div>'.repeat(2_000)}</div>`,
];

let workspace: Workspace;
let page: Page;
let asked: string[];
let ticket: Json;

beforeAll(async () => {
  workspace = await Workspace.create();
  const customer = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Mallory' });
  ticket = await workspace.api('POST', '/v1/tickets', { subject: 'Hostile', customerId: customer['id'] });
  page = await workspace.open('/');
  asked = [];
  page.on('request', (request) => {
    if (request.url().includes('attack')) asked.push(request.url());
  });
});

afterAll(() => workspace.close());

/** Shows a mail as the server would store it if it cleaned nothing: the console relies on no one. */
async function show(html: string): Promise<void> {
  const entry = {
    ...{ id: crypto.randomUUID(), ticketId: ticket['id'], customerId: ticket['customerId'], kind: 'CUSTOMER_MESSAGE' },
    ...{ by: 'HUMAN', text: '', html, createTime: new Date().toISOString(), etag: '"1"' },
  };
  await page.route('**/v1/ticketEntries?*', (route) => route.fulfill({ json: { ticketEntries: [entry] } }));
  await goTo(page, `/inbox?ticket=${String(ticket['id'])}`);
}

test('the HTML of a mail cannot run, load, navigate, or cover the console', async () => {
  await show(attacks.join('\n'));
  const frame = page.frameLocator('iframe');
  await frame.getByText('The words of the customer').waitFor();
  await frame.getByText('Deep').waitFor();

  const markup = await frame.locator('html').innerHTML();
  expect(markup).not.toMatch(
    /attack|javascript:|\son\w+=|<(?:script|form|input|button|svg|iframe|object|base|link|video)\b/i,
  );
  expect(await page.evaluate(() => 'broken' in window)).toBe(false);
  expect(asked).toEqual([]);
  await page.getByText(/picture.* not loaded/).waitFor();

  const element = page.locator('iframe');
  expect(await element.getAttribute('sandbox')).not.toMatch(/allow-(?:scripts|forms|top-navigation)/);
  const [own, main] = await Promise.all([element.boundingBox(), page.locator('#main').boundingBox()]);
  expect(own!.x).toBeGreaterThanOrEqual(main!.x);
  expect(own!.x + own!.width).toBeLessThanOrEqual(main!.x + main!.width);
});

test('a link of a mail opens a page of its own, and says where it leads', async () => {
  const frame = page.frameLocator('iframe');
  expect(await frame.locator('a[href]').evaluateAll((links) => links.map((link) => link.outerHTML))).toEqual([
    '<a href="https://example.com/portal" target="_blank" rel="noopener noreferrer nofollow" title="https://example.com/portal">Portal</a>',
  ]);
});

test('a script cannot be put into the frame, and the frame may load nothing of the console either', async () => {
  const found = await page.locator('iframe').evaluate(async (element: HTMLIFrameElement) => {
    const inner = element.contentDocument!;
    const refusalOf = (act: () => void) => {
      try {
        act();
        return 'none';
      } catch (error) {
        return (error as Error).name;
      }
    };
    const button = inner.createElement('button');
    const script = inner.createElement('script');
    const refusals = [
      refusalOf(() => button.setAttribute('onclick', 'parent.broken = 1')),
      refusalOf(() => (script.text = 'parent.broken = 1')),
      refusalOf(() => (inner.body.innerHTML = '<img src=x onerror="parent.broken = 1">')),
    ];
    const picture = inner.createElement('img');
    const outcome = new Promise((resolve) => {
      picture.onerror = () => resolve('refused');
      picture.onload = () => resolve('loaded');
    });
    picture.src = '/logo.svg';
    inner.body.append(picture);
    return { refusals, picture: await outcome };
  });
  expect(found).toEqual({ refusals: ['TypeError', 'TypeError', 'TypeError'], picture: 'refused' });
});

test('the console refuses a script that stands in a page', async () => {
  const ran = await page.evaluate(() => {
    const script = document.createElement('script');
    try {
      script.text = 'window.injected = true';
    } catch {
      return 'refused';
    }
    document.head.append(script);
    return 'injected' in window;
  });
  expect(ran).toBe('refused');
});
