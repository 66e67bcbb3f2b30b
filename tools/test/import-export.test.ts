import { sharedPlatform } from '@rapport/testing';
import { expect, inject, it } from 'vitest';
import { Importer } from './importer.ts';

const platform = await sharedPlatform(inject('platformUrl'));

it('a file with semicolons is exported, validated and imported over REST, and changes nothing', async () => {
  const { api, stream } = await tenant('Round trip');
  const customer = { kind: 'PERSON', displayName: '=Ada', phones: [{ number: '+43158801' }], tags: ['a, b; c', "'+1"] };
  const created = await api('POST', '/v1/customers', customer);
  const answer = await stream('/v1/customers:export?format=CSV_SEMICOLON', 'text/csv');
  const csv = await answer.text();

  const tried = await api('POST', '/v1/customers:import?validateOnly=true&defaultCountry=AT&language=de', csv);
  const done = await api('POST', '/v1/customers:import', csv);

  expect(csv).toContain(';');
  for (const report of [tried, done]) expect(report).toMatchObject({ rows: 1, unchanged: 1, issues: [] });
  expect(await api('GET', `/v1/customers/${(created as { id: string }).id}`)).toEqual(created);
});

it('an upsert merges lists, and replaces them with listMode=REPLACE', async () => {
  const { api } = await tenant('Upsert');
  const upsert = (tag: string, listMode: string) =>
    api('POST', `/v1/customers:upsert?match=EMAIL${listMode}`, {
      kind: 'PERSON',
      emails: [{ address: 'ada@example.com' }],
      tags: [tag],
    });

  await upsert('a', '');
  expect(await upsert('b', '')).toMatchObject({ created: false, customer: { tags: ['a', 'b'] } });
  expect(await upsert('c', '&listMode=REPLACE')).toMatchObject({ customer: { tags: ['c'] } });
});

async function tenant(name: string) {
  const importer = await Importer.create(platform, name);
  const api = async (method: string, path: string, body?: unknown) => {
    const headers: Record<string, string> = typeof body === 'string' ? { 'content-type': 'text/csv' } : {};
    const answer = await importer.api.send(method, path, { headers, body });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  };
  return { api, stream: (path: string, accept: string) => importer.stream(path, accept) };
}
