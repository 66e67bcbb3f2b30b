import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;

beforeAll(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Votes')).apiKey);
}, 120_000);

async function post(path: string, body: object = {}): Promise<Record<string, unknown>> {
  const answer = await api.send('POST', path, { body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body as Record<string, unknown>;
}

it('a vote shows in the next read of the article, whose etag it leaves as it is', async () => {
  const draft = { slug: 'voted', locale: 'en', title: 'Voted', markdown: 'Text', audience: 'PUBLIC' };
  const path = `/v1/articles/${String((await post('/v1/articles', draft))['id'])}`;
  await post(`${path}:publish`);
  const page = `${platform.edgeUrl}${String((await post('/v1/articles:share'))['path'])}/en/voted`;
  const before = await api.send('GET', path);
  const etag = before.headers.get('etag') ?? '';
  expect(before.body).toMatchObject({ helpfulVotes: 0, etag });

  const voted = await fetch(page, {
    ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams({ helpful: 'yes' }) },
    headers: { origin: platform.edgeUrl },
  });
  expect(voted.status).toBe(303);

  // A client revalidates what it has: a 304 would leave it with the earlier count.
  const after = await api.send('GET', path, { headers: { 'if-none-match': etag } });
  expect([after.status, after.body]).toMatchObject([200, { helpfulVotes: 1, etag }]);
  const edited = await api.send('PATCH', path, { headers: { 'if-match': etag }, body: { title: 'Edited' } });
  expect([edited.status, edited.body]).toMatchObject([200, { helpfulVotes: 1, title: 'Edited' }]);
  expect(api.openApi.paths['/v1/articles/{id}']?.['get']?.responses).not.toHaveProperty('304');
});
