import { readFileSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { pageRoutes, platformContract } from '@rapport/contracts';
import { startRedis, type Redis } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { ask, type HttpAnswer } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';
import { styleHash, tenantOfPages } from './sample-pages.js';

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const formAction = "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

let redis: Redis;
let ores: RunningOres;
let edge: RunningEdge;
let other: RunningEdge;

beforeAll(async () => {
  redis = await startRedis();
  ores = await startOres();
  const limits = { ...defaultLimitSettings(), public: { linkUnits: 40, blockUnits: 60, places: 4 }, edges: 2 };
  const start = () => ores.startEdge({ limits, redisUrl: redis.url, trustedProxies: ['127.0.0.1'] });
  [edge, other] = await Promise.all([start(), start()]);
});
afterAll(async () => {
  redis.thaw();
  await ores.stop();
  await redis.stop();
});

let blocks = 0;
/** An address in a block of its own. */
function newAddress(): string {
  return `10.${(blocks += 1)}.0.1`;
}

function send(
  path: string,
  { method = 'GET', headers = {}, body, from = newAddress(), by = edge }: Partial<Sent> = {},
): Promise<HttpAnswer> {
  const all = { 'x-forwarded-for': from, ...headers };
  return ask(by.url + path, { method, headers: all, ...(body === undefined ? {} : { body }) });
}

interface Sent {
  method: string;
  headers: Record<string, string>;
  body: string;
  from: string;
  by: RunningEdge;
}

/** What a client can compare of two answers. */
function compared({ status, headers, body }: HttpAnswer): unknown {
  const { date: _date, 'x-request-id': _id, ...rest } = headers;
  return { status, rest, body };
}

describe('a public page', () => {
  it('runs no script, loads nothing, and is neither framed, cached, indexed nor named to others', async () => {
    const { status, headers, body } = await send('/s/good', { headers: { 'accept-language': 'zh' } });

    expect([status, body]).toEqual([200, '<p>zh</p>']);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src '${styleHash}'; ${formAction}`,
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex, nofollow',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      vary: 'accept-language',
    });
    for (const name of ['set-cookie', 'etag', 'access-control-allow-origin', 'ratelimit', 'rapport-consistency-token'])
      expect(headers, name).not.toHaveProperty(name);
  });

  it('gets no header from its service that would weaken it', async () => {
    const { headers } = await send('/s/loose');
    expect(headers['content-security-policy']).toBe(`default-src 'none'; ${formAction}`);
    expect(headers).not.toHaveProperty('set-cookie');
  });

  it('runs the script whose hash its service names, and its form may lead to the origin that the service names', async () => {
    const { headers } = await send('/s/form');
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; script-src '${styleHash}'; ${formAction.replace("'self'", "'self' https://shop.example")}`,
    );
  });

  it('is served to nobody in particular, whatever the credential and cookies of its reader', async () => {
    const before = ores.pageCalls.length;
    const headers = {
      authorization: authorization('t1'),
      cookie: '__Host-rapport-console=x',
      origin: 'https://a.example',
    };
    const { status, headers: answered } = await send('/s/good', { headers });
    expect([status, ores.pageCalls.slice(before).map(({ hasPrincipal }) => hasPrincipal)]).toEqual([200, [false]]);
    expect(answered).not.toHaveProperty('access-control-allow-origin');
  });

  it('takes any query, which mail programs add, and ignores it', async () => {
    expect((await send('/s/good?utm_source=mail&token=bad')).status).toBe(200);
  });

  it('answers HEAD like GET without its content, OPTIONS with the methods, and others with 405', async () => {
    const head = await send('/s/good', { method: 'HEAD' });
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '16']);
    const options = await send('/s/good', { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } });
    expect([options.status, options.headers['allow']]).toEqual([204, 'GET, HEAD, OPTIONS, POST']);
    expect((await send('/files/x.ics', { method: 'OPTIONS' })).headers['allow']).toBe('GET, HEAD, OPTIONS');
    const put = await send('/s/good', { method: 'PUT', body: '{}' });
    expect([put.status, put.headers['allow']]).toEqual([405, 'GET, HEAD, OPTIONS, POST']);
  });

  it('can be a file, at a path with an ending', async () => {
    const { status, headers, body } = await send('/files/good.ics');
    expect([status, headers['content-type'], body]).toEqual([200, 'text/calendar; charset=utf-8', 'BEGIN:VCALENDAR']);
    expect((await send('/files/good.txt')).status).toBe(404);
  });

  it('knows whether a program reads it, and can be an image in pages of others', async () => {
    const browser = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0' };
    const { body, headers } = await send('/files/image.ics', { headers: browser });
    expect([body, headers['cross-origin-resource-policy']]).toEqual(['false', 'cross-origin']);
    expect((await send('/files/image.ics', { headers: { 'user-agent': 'curl/8.14.1' } })).body).toBe('true');
    expect((await send('/files/good.ics')).headers['cross-origin-resource-policy']).toBe('same-origin');
  });

  it('redirects to what its service has stored, to no script, and after a form by GET', async () => {
    const away = await send('/s/elsewhere');
    expect([away.status, away.headers['location']]).toEqual([302, 'https://example.com/stored?a=b']);
    const back = await send('/s/elsewhere', { method: 'POST', headers: form, body: 'a=b' });
    expect([back.status, back.headers['location']]).toEqual([303, '/s/good']);
    const capitals = await send('/s/capitals');
    expect([capitals.status, capitals.headers['location']]).toEqual([302, 'HTTPS://Example.com/A']);
    for (const path of ['/s/script', '/s/other-site'])
      expect((await send(path)).headers).not.toHaveProperty('location');
  });
});

describe('a page of a site', () => {
  it('takes the other parts of its path and a search, and may be kept by caches', async () => {
    const { status, headers, body } = await send('/site/good/intro?q=a%20b&q=c&token=bad&utm_source=mail');
    expect([status, body]).toEqual([200, '<p>intro a b</p>']);
    expect(headers).toMatchObject({ 'cache-control': 'public, max-age=60', vary: 'accept-language' });
    expect((await send('/site/good/intro')).body).toBe('<p>intro undefined</p>');
    const unknown = await send('/site/unknown/intro');
    expect([unknown.status, unknown.headers['cache-control']]).toEqual([404, 'no-store']);
  });

  it('is limited by the link for each block of addresses', async () => {
    const from = newAddress();
    const answers = [];
    for (let n = 0; n < 41; n += 1) answers.push(await send('/site/good/busy', { from }));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(40);
    expect((await send('/site/good/busy')).status).toBe(200);
  });
});

describe('a link that is not valid', () => {
  it('gets the same bytes for every token, in the language of its reader', async () => {
    const [used, unknown, strange] = await Promise.all([
      send('/s/used', { headers: { 'accept-language': 'zh-CN' } }),
      send('/s/never-issued', { headers: { 'accept-language': 'zh-CN' } }),
      send('/s/%27%3B--', { headers: { 'accept-language': 'zh-CN' } }),
    ]);

    expect(compared(unknown)).toEqual(compared(used));
    expect(compared(strange)).toEqual(compared(used));
    expect([used.status, used.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(used.body).toContain('此链接无效');
    expect((await send('/s/used')).body).toContain('This link is not valid');
    const posted = await send('/s/used', {
      method: 'POST',
      headers: { ...form, 'accept-language': 'zh' },
      body: 'a=b',
    });
    expect(posted.body).toBe(used.body);
  });

  it('never gets a page of the console, nor do the paths beside it', async () => {
    const headers = { accept: 'text/html' };
    for (const path of ['/s', '/s/a/b', '/files', '/files/x']) {
      const { status, body } = await send(path, { headers });
      expect([path, status, body.includes('Rapport')]).toEqual([path, 404, false]);
    }
  });
});

describe('a form', () => {
  it('is passed on as it was sent, and what it writes is no longer read from the cache', async () => {
    const read = () => send('/v1/ores/a', { headers: { authorization: authorization(tenantOfPages) } });
    ores.writeBehind(tenantOfPages, 'a');
    await expect.poll(async () => (await read()).headers['cache-status']).toMatch(/hit/);

    const answer = await send('/s/good', { method: 'POST', headers: form, body: 'name=%C3%89va&ok=1', by: other });

    expect([answer.status, answer.body]).toEqual([200, '<p>name=%C3%89va&ok=1</p>']);
    expect(JSON.parse((await read()).body)).toMatchObject({ version: 2, name: 'name=%C3%89va&ok=1' });
  });

  it('that needs correction is answered by its service', async () => {
    const { status, body } = await send('/s/good', { method: 'POST', headers: form, body: 'name=&ok=1' });
    expect([status, body]).toEqual([422, '<p>name?</p>']);
  });

  it.each([
    [form, 'List-Unsubscribe=One-Click', 'application/x-www-form-urlencoded'],
    [{ 'content-type': 'multipart/form-data; boundary=a' }, '--a--', 'multipart/form-data'],
  ])('that unsubscribes by one click is taken in both forms: %j', async (headers, body, type) => {
    const answer = await send('/one/good', { method: 'POST', headers, body });
    expect([answer.status, answer.body]).toEqual([200, `<p>${type}</p>`]);
  });

  it.each([
    ['JSON', { 'content-type': 'application/json' }, '{}', 415],
    ['a file', { 'content-type': 'multipart/form-data; boundary=a' }, '--a--', 415],
    ['more than the contract lets it send', form, `name=${'x'.repeat(1_020)}`, 413],
  ])('of %s is refused with a page', async (_name, headers, body, status) => {
    const before = ores.pageCalls.length;
    const answer = await send('/s/good', { method: 'POST', headers, body });
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8']);
    expect(answer.body).toContain('could not be read');
    expect(ores.pageCalls).toHaveLength(before);
  });
});

describe('the limits of public pages', () => {
  it('are those of a link at all edges together, from whatever address', async () => {
    const answers = [];
    for (let n = 0; n < 41; n += 1) answers.push(await send('/s/good-link', { by: n % 2 ? edge : other }));

    expect(answers.slice(0, 40).every(({ status }) => status === 200)).toBe(true);
    const last = answers.at(-1);
    expect([last?.status, last?.body.includes('Too many requests')]).toEqual([429, true]);
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await send('/s/good-other')).status).toBe(200);
  });

  it('are those of a block of addresses at all edges together, whatever the links', async () => {
    const statuses = [];
    for (let n = 0; n < 61; n += 1)
      statuses.push((await send(`/s/guess-${n}`, { from: `192.0.2.${n}`, by: n % 2 ? edge : other })).status);
    expect([new Set(statuses.slice(0, 60)), statuses.at(-1)]).toEqual([new Set([404]), 429]);
    expect((await send('/s/good', { from: '192.0.3.1' })).status).toBe(200);
  });

  it('bound the calls in progress, also of one block, and take no place from the API', async () => {
    const from = newAddress();
    const release = ores.hold('readPage');
    const waiting = send('/s/good-slow', { from });
    await expect.poll(() => ores.pageCalls.at(-1)?.request['token']).toBe('good-slow');

    expect((await send('/s/good', { from })).status).toBe(429);
    expect((await send('/v1/ores', { headers: { authorization: authorization('t1') } })).status).toBe(200);
    release();
    expect((await waiting).status).toBe(200);
  });

  it('hold in each edge while Redis does not answer', async () => {
    redis.freeze();
    const statuses = [];
    for (let n = 0; n < 21; n += 1) statuses.push((await send('/s/good-alone')).status);
    redis.thaw();
    expect([new Set(statuses.slice(0, 20)), statuses.at(-1)]).toEqual([new Set([200]), 429]);
  });

  it('answer with a page while a service is away', async () => {
    const before = ores.pageCalls.length;
    ores.stopService();
    const answer = await send('/s/good');
    await ores.startService();
    expect([answer.status, answer.body.includes('Not available')]).toEqual([503, true]);
    expect(ores.pageCalls).toHaveLength(before);
  });
});

test('public pages are in no OpenAPI document', async () => {
  const { body } = await send('/openapi.json');
  const { paths } = JSON.parse(body) as { paths: object };
  expect(Object.keys(paths).filter((path) => !path.startsWith('/v1/'))).toEqual([]);
});

test('no source of the edge names the path of a public page', () => {
  const steps = pageRoutes(platformContract()).map(({ path }) => path.template.replace(/\{.*/, ''));
  const folder = join(import.meta.dirname, '../src');
  const texts = globSync('**/*.ts', { cwd: folder }).map(
    (file) => [file, readFileSync(join(folder, file), 'utf8')] as const,
  );
  const named = texts.filter(([, text]) =>
    steps.some((step) => text.includes(`'${step}`) || text.includes(`\`${step}`)),
  );
  expect(named.map(([file]) => file)).toEqual([]);
});
