import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let ores: RunningOres;
let edge: RunningEdge;

beforeAll(async () => {
  ores = await startOres();
  edge = await ores.startEdge({ authHttpAddress: '127.0.0.1:1', publicUrl: 'https://crm.example.com' });
  ores.writeBehind('t1', 'a');
});
afterAll(() => ores.stop());

async function headersOf(path: string, more: Record<string, string> = {}): Promise<string[]> {
  const { headers } = await ask(edge.url + path, { headers: { authorization: authorization('t1'), ...more } });
  return Object.keys(headers).sort();
}

const connection = ['connection', 'date', 'keep-alive', 'x-request-id'];
const security = ['content-security-policy', 'referrer-policy', 'x-content-type-options'];
const rate = ['ratelimit', 'ratelimit-policy'];
const content = ['content-length', 'content-type'];
const cache = ['cache-control', 'cache-status', 'etag'];

describe('an answer of the API has only the headers that apply to it', () => {
  it('from the service, from memory, and as 304', async () => {
    const all = [...connection, ...security, ...rate, ...content, ...cache];
    expect(await headersOf('/v1/ores/a')).toEqual([...all].sort());
    expect(await headersOf('/v1/ores/a')).toEqual([...all, 'age'].sort());
    expect(await headersOf('/v1/ores/a', { 'if-none-match': '"1"' })).toEqual(
      [...connection, ...rate, ...cache, 'age'].sort(),
    );
  });

  it.each([
    ['/nowhere', []],
    ['/livez', []],
    ['/openapi.json', ['cache-control', 'etag']],
    ['/openapi-3.0.json', ['cache-control', 'etag']],
  ])('at %s', async (path, own) => {
    expect(await headersOf(path)).toEqual([...connection, ...security, ...content, ...own].sort());
  });
});

it('the descriptions that the build has written are served as they are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-description-'));
  for (const name of ['openapi.json', 'openapi-3.0.json']) await writeFile(join(folder, name), `{"written":"${name}"}`);
  const built = await ores.startEdge({ descriptionFolder: folder });
  for (const name of ['openapi.json', 'openapi-3.0.json']) {
    const { headers, body } = await ask(`${built.url}/${name}`);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(body).toBe(`{"written":"${name}"}`);
  }
  await rm(folder, { recursive: true });
});

it.each(['/openapi.json', '/docs', '/docs/swagger-ui-bundle.js'])(
  '%s is sent again only if it differs',
  async (path) => {
    const { headers, body } = await ask(edge.url + path);
    const again = await ask(edge.url + path, { headers: { 'if-none-match': headers['etag'] ?? '' } });
    const other = await ask(edge.url + path, { headers: { 'if-none-match': '"other"' } });

    expect(again).toMatchObject({ status: 304, headers: { etag: headers['etag'] }, body: '' });
    expect(other).toMatchObject({ status: 200, body });
  },
);

it.each([
  ['/docs', /^default-src 'none'; script-src 'self'; style-src 'self';/],
  ['/docs/start.js', /^default-src 'none'/],
  ['/oauth/authorize', /^default-src 'self';/],
])('a page such as %s has all that helmet sets', async (path, policy) => {
  const { headers } = await ask(edge.url + path);
  expect(headers['content-security-policy']).toMatch(policy);
  expect(Object.keys(headers)).toEqual(
    expect.arrayContaining([...security, 'cross-origin-opener-policy', 'x-frame-options', 'origin-agent-cluster']),
  );
});
