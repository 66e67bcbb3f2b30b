import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { sharedPlatform, startChromium, type SharedPlatform, type Tenant } from '@rapport/testing';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Rapport } from '../src/index.ts';

let platform: SharedPlatform;
let tenant: Tenant;
let pages: Server;
let browser: Awaited<ReturnType<typeof startChromium>>;

beforeAll(async () => {
  const [bundle, ...started] = await Promise.all([bundled(), sharedPlatform(inject('platformUrl')), startChromium()]);
  [platform, browser] = started;
  tenant = await platform.createTenant('Pages');
  const files: Record<string, [type: string, text: string]> = {
    '/': ['text/html', '<!doctype html><title>A page of another origin</title>'],
    '/client.js': ['text/javascript', bundle],
    '/work.js': ['text/javascript', work],
    '/worker.js': [
      'text/javascript',
      `import { work } from './work.js';\nonmessage = async ({ data }) => postMessage(await work(data));`,
    ],
  };
  pages = createServer((request, response) => {
    const [type, text] = files[request.url ?? ''] ?? ['text/plain', ''];
    response.writeHead(text === '' ? 404 : 200, { 'content-type': type }).end(text);
  }).listen(0, '127.0.0.1');
  await once(pages, 'listening');
});

afterAll(async () => {
  await browser.close();
  pages.close();
});

/** What runs in a page and in a worker. */
const work = `
  import { Rapport, RapportError } from './client.js';

  export async function work(options) {
    const rapport = new Rapport(options);
    const { nextCursor: cursor } = await rapport.changes.list({ types: ['customer'] });
    const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: 'Ada' });
    const { tags } = await rapport.customers.edit(id, () => ({ tags: ['edited'] }));
    const listed = [];
    for await (const each of rapport.customers.list({ filter: 'tags:edited', pageSize: 1 })) listed.push(each.id);
    const operations = [];
    for await (const { change } of rapport.changes.follow({ cursor, types: ['customer'] })) {
      if (change.recordId === id && operations.push(change.operation) === 2) break;
    }
    const file = await rapport.files.upload({ record: 'customers/' + id, name: 'a.txt', body: new Blob(['abc']) });
    const text = await (await rapport.files.download({ id: file.id })).text();
    const error = await rapport.customers.get({ id: crypto.randomUUID?.() ?? id + '0' }).catch((error) => error);
    return { tags, isListed: listed.includes(id), operations, text, isError: error instanceof RapportError, code: error.code };
  }
`;

const expected = {
  ...{ tags: ['edited'], isListed: true, operations: ['CREATE', 'UPDATE'], text: 'abc' },
  ...{ isError: true, code: 'CUSTOMER_NOT_FOUND' },
};

test('a page of another origin and its worker use the API with a key', async () => {
  const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  const options = { baseUrl: platform.edgeUrl, apiKey: tenant.apiKey };
  const { oauthClients } = new Rapport(options);
  await oauthClients.create({
    ...{ displayName: 'Page', confidential: true, grantTypes: ['CLIENT_CREDENTIALS'] as const },
    ...{ permissions: ['customers.read'], allowedOrigins: [origin] },
  });
  await expect.poll(() => isAllowed(origin), { timeout: 60_000 }).toBe(true);
  const page = await browser.newPage();
  await page.goto(origin);

  const inPage = `import('/work.js').then(({ work }) => work(${JSON.stringify(options)}))`;
  const inWorker = `new Promise((resolve, reject) => {
    const worker = new Worker('/worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(${JSON.stringify(options)});
  })`;
  expect(await page.evaluate(inPage)).toEqual(expected);
  expect(await page.evaluate(inWorker)).toEqual(expected);
});

async function isAllowed(origin: string): Promise<boolean> {
  const headers = { origin, authorization: `Bearer ${tenant.apiKey}` };
  const { headers: answered } = await fetch(`${platform.edgeUrl}/v1/customers`, { headers });
  return answered.get('access-control-allow-origin') === origin;
}

async function bundled(): Promise<string> {
  const bundle = await rolldown({ input: join(import.meta.dirname, '../src/index.ts') });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  return output[0].code;
}
