import { describe, expect, it } from 'vitest';
import { createMineral, sharedMinerals, type Message } from './running-minerals.ts';

const minerals = await sharedMinerals();

const facts = {
  lustre: 'glassy',
  hardness: 7.5,
  clear: true,
  origin: null,
  '': ['', { a: [null, -0.1, []] }],
  'ключ/~"': {},
};

describe('an object of any shape', () => {
  it('is returned unchanged, null and empty values included', async () => {
    const answer = await send('POST', { name: 'quartz', facts });
    expect(answer.status).toBe(201);
    expect(((await answer.json()) as Message)['facts']).toEqual(facts);
  });

  it('is absent when it is not sent, and may be empty', async () => {
    expect(await (await send('POST', { name: 'quartz' })).json()).not.toHaveProperty('facts');
    expect(await (await send('POST', { name: 'quartz', facts: {} })).json()).toMatchObject({ facts: {} });
  });

  it('is replaced or cleared as a whole by a PATCH', async () => {
    const replaced = (await (await send('PATCH', { facts: { a: null } })).json()) as Message;
    expect(replaced).toMatchObject({ facts: { a: null }, synonyms: ['facts'] });
    const cleared = (await (await send('PATCH', { facts: null })).json()) as Message;
    expect(cleared).toMatchObject({ synonyms: ['facts'] });
    expect(cleared).not.toHaveProperty('facts');
  });

  it.each([
    ['a list in its place', '[]', 'WRONG_TYPE'],
    ['a text in its place', '"a"', 'WRONG_TYPE'],
    ['a NUL in a text', '{"a":["\\u0000"]}', 'BAD_CHARACTERS'],
    ['half a surrogate pair in a name', '{"\\ud800":1}', 'BAD_CHARACTERS'],
    ['a number beyond all numbers', '{"a":1e999}', 'TOO_LARGE'],
    ['six levels', '{"a":{"b":[[[[]]]]}}', 'TOO_DEEP'],
    ['a million levels', `{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`, 'TOO_DEEP'],
    ['more than 1,000 values', `{"a":[${'0,'.repeat(1_000)}0]}`, 'TOO_MANY_ITEMS'],
  ])('refuses %s', async (_case, json, code) => {
    for (const method of ['POST', 'PATCH']) {
      const answer = await send(method, `{"name":"quartz","facts":${json}}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errors: [{ in: 'body', pointer: '/facts', code }] });
    }
  });

  it('does not let a name reach inherited members', async () => {
    const answer = await send('POST', '{"name":"quartz","facts":{"__proto__":{"polluted":true}}}');
    expect(answer.status).toBe(400);
  });

  it.each([
    ['BAD_CHARACTERS', { a: '\0' }],
    ['TOO_LARGE', { a: NaN }],
    ['TOO_DEEP', { a: [[[[[]]]]] }],
    ['TOO_MANY_ITEMS', { a: new Array<number>(1_001).fill(0) }],
  ])('is held to the same by the service: %s', async (reason, given) => {
    await expect(createMineral(minerals, { name: 'quartz', facts: given, synonyms: [] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'mineral.facts', reason }],
    });
  });

  it('is documented as a free-form object', async () => {
    const document = (await (await fetch(`${minerals.url}/openapi.json`)).json()) as {
      components: { schemas: Record<string, { properties: Record<string, Message> }> };
    };
    const { schemas } = document.components;
    const shape = { additionalProperties: true, examples: [{ lustre: 'glassy' }], description: 'Other facts.' };
    expect(schemas['Mineral']?.properties['facts']).toEqual({ type: 'object', ...shape });
    expect(schemas['MineralInput']?.properties['facts']).toEqual({ type: ['object', 'null'], ...shape });
  });
});

describe('a list of a million levels', () => {
  it('instead of a text is of the wrong type', async () => {
    const answer = await send('POST', `{"name":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ in: 'body', pointer: '/name', code: 'WRONG_TYPE' }] });
  });
});

describe('a number with a fraction', () => {
  it('is returned unchanged', async () => {
    const answer = await send('POST', { name: 'quartz', density: 2.648 });
    expect(await answer.json()).toMatchObject({ density: 2.648 });
  });

  it('must be finite in REST and gRPC', async () => {
    const answer = await send('POST', '{"name":"quartz","density":1e999}');
    const { errors } = (await answer.json()) as { errors: Message[] };
    expect(errors).toContainEqual(expect.objectContaining({ pointer: '/density', code: 'TOO_LARGE' }));
    await expect(createMineral(minerals, { name: 'quartz', density: NaN, synonyms: [] })).rejects.toMatchObject({
      violations: [{ field: 'mineral.density', reason: 'TOO_LARGE' }],
    });
  });
});

describe('a day', () => {
  it('must exist in the calendar', async () => {
    const answer = await send('POST', { name: 'quartz', firstDescribed: '2024-02-29' });
    expect(await answer.json()).toMatchObject({ firstDescribed: '2024-02-29' });
    const refused = await send('POST', { name: 'quartz', firstDescribed: '2023-02-29' });
    expect(await refused.json()).toMatchObject({ errors: [{ pointer: '/firstDescribed', code: 'BAD_FORMAT' }] });
  });
});

/** A mineral to create by POST, or to change by PATCH: an object, or JSON as it is. */
async function send(method: string, body: Message | string): Promise<Response> {
  return fetch(`${minerals.url}/v1/minerals${method === 'PATCH' ? '/m1' : ''}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
