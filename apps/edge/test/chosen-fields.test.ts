import { describe, expect, it } from 'vitest';
import { sharedMinerals, type Message } from './running-minerals.ts';

const path = '/rapport.sample.v1.MineralsService/';

const minerals = await sharedMinerals();

describe('a read mask in REST', () => {
  it('omits all other fields, lists included, and keeps the ETag', async () => {
    const answer = await fetch(`${minerals.url}/v1/minerals/m1?readMask=name,density`);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(await answer.json()).toEqual({ name: 'quartz', density: 2.65 });
  });

  it('accepts names in snake case, and omits unset fields', async () => {
    const answer = await fetch(`${minerals.url}/v1/minerals/m1?readMask=first_described`);
    expect(await answer.json()).toEqual({});
  });

  it('applies to the records of a list, and not to the list', async () => {
    const answer = await fetch(`${minerals.url}/v1/minerals?readMask=id`);
    expect(await answer.json()).toEqual({ minerals: [{ id: 'm1' }, { id: 'm2' }], totalSize: 2 });
  });

  it('applies to the answer of a write, and keeps the Location', async () => {
    const created = await send('POST', '/v1/minerals?readMask=name', { name: 'opal', synonyms: ['a'] });
    expect(created.headers.get('location')).toBe('/v1/minerals/m1');
    expect(created.headers.get('etag')).toBe('"1"');
    expect(await created.json()).toEqual({ name: 'opal' });
    const updated = await send('PATCH', '/v1/minerals/m1?readMask=synonyms', { name: 'jade' });
    expect(await updated.json()).toEqual({ synonyms: ['name'] });
  });

  it.each([
    ['an unknown name', 'name,colour', 'UNKNOWN_FIELD'],
    ['a field of a field', 'facts.lustre', 'UNKNOWN_FIELD'],
    ['no name', '', 'TOO_SHORT'],
    ['an empty name', 'name,', 'UNKNOWN_FIELD'],
    ['a long text', 'name,'.repeat(201), 'TOO_LONG'],
  ])('refuses %s', async (_case, readMask, code) => {
    for (const url of ['/v1/minerals/m1', '/v1/minerals']) {
      const answer = await fetch(`${minerals.url}${url}?readMask=${readMask}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errors: [{ in: 'query', pointer: '/readMask', code }] });
    }
  });

  it('is documented, with optional fields in the answer', async () => {
    const document = (await (await fetch(`${minerals.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { parameters: Message[]; responses: Record<string, Message> }>>;
      components: {
        schemas: Record<string, { required?: string[]; properties: Record<string, Message> }>;
        parameters: Record<string, Message>;
      };
    };
    const { parameters, responses } = document.paths['/v1/minerals']?.['get'] ?? {};
    expect(parameters).toEqual([{ $ref: '#/components/parameters/readMask' }]);
    expect(document.components.parameters['readMask']).toMatchObject({
      name: 'readMask',
      in: 'query',
      schema: { type: 'string', maxLength: 1_000 },
    });
    expect(JSON.stringify(responses?.['200'])).toContain('#/components/schemas/MineralList');
    const { schemas } = document.components;
    expect(schemas['MineralList']).toMatchObject({
      required: ['minerals', 'totalSize'],
      properties: { minerals: { items: { $ref: '#/components/schemas/MineralView' } } },
    });
    expect(schemas['MineralView']).not.toHaveProperty('required');
    expect(schemas['Mineral']?.required).toContain('synonyms');
  });
});

describe('a read mask in gRPC', () => {
  it('clears all other fields', async () => {
    const cleared = { facts: undefined, density: undefined, firstDescribed: undefined, synonyms: [], etag: '' };
    expect(await call('GetMineral', { id: 'm1', readMask: ['id', 'name'] })).toEqual({
      ...cleared,
      id: 'm1',
      name: 'quartz',
    });
    expect(await call('ListMinerals', { readMask: ['id'] })).toMatchObject({
      minerals: [
        { ...cleared, id: 'm1', name: '' },
        { ...cleared, id: 'm2', name: '' },
      ],
      totalSize: 2,
    });
  });

  it('reaches the handler in the spelling of JSON', async () => {
    const readMask = ['first_described', 'synonyms', 'synonyms'];
    expect(await call('GetMineral', { id: 'mask', readMask })).toMatchObject({
      synonyms: ['firstDescribed', 'synonyms'],
    });
  });

  it('selects all fields when it is empty', async () => {
    expect(await call('GetMineral', { id: 'm1', readMask: [] })).toMatchObject({ name: 'quartz', etag: '"1"' });
  });

  it('refuses an unknown name', async () => {
    await expect(call('GetMineral', { id: 'm1', readMask: ['colour'] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [
        {
          ...{ field: 'readMask', reason: 'UNKNOWN_FIELD' },
          description: 'must name fields of Mineral only, separated by commas: "colour" is none.',
        },
      ],
    });
  });
});

async function send(method: string, url: string, body: Message): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(minerals.url + url, { method, headers, body: JSON.stringify(body) });
}

async function call(method: string, request: Message): Promise<unknown> {
  const context = { requestId: 'r' };
  return minerals.client.unary(path + method, request, { context, deadlineMs: 5_000 });
}
