import { expect, it } from 'vitest';
import { createMineral, sharedMinerals, type Message } from './running-minerals.ts';

const minerals = await sharedMinerals();

/** The limit of `Layer` in the contract of the test. */
const maxDepth = 4;

it('a message may contain itself as deep as its limit', async () => {
  const layer = nested(maxDepth);

  const answer = await send({ name: 'quartz', layer });

  expect(answer.status).toBe(201);
  expect(((await answer.json()) as Message)['layer']).toEqual(layer);
});

it('rules hold at every level', async () => {
  const wrong = { name: 'x'.repeat(21), layers: [] };

  const answer = await send({ name: 'quartz', layer: { layers: [{ layers: [wrong, {}, {}, { layer: 1 }] }] } });

  expect(await answer.json()).toMatchObject({
    status: 400,
    errors: [
      { pointer: '/layer/layers/0/layers', code: 'TOO_MANY_ITEMS' },
      { pointer: '/layer/layers/0/layers/0/name', code: 'TOO_LONG' },
      { pointer: '/layer/layers/0/layers/3/layer', code: 'UNKNOWN_FIELD' },
    ],
  });
});

it('a deeper message is refused where it passes the limit', async () => {
  const answer = await send({ name: 'quartz', layer: nested(maxDepth + 1) });

  expect(await answer.json()).toMatchObject({
    status: 400,
    errors: [{ pointer: `/layer${'/layers/0'.repeat(maxDepth)}`, code: 'TOO_DEEP' }],
  });
});

it('a message of 100,000 levels is refused before its levels are read', async () => {
  const levels = 100_000;
  const answer = await send(`{"name":"quartz","layer":${'{"layers":['.repeat(levels)}${']}'.repeat(levels)}}`);

  expect(await answer.json()).toMatchObject({ status: 400, errors: [{ code: 'TOO_DEEP' }] });
});

it.each([maxDepth + 1, 90, 300])('gRPC refuses %i levels', async (depth) => {
  await expect(createMineral(minerals, { name: 'quartz', synonyms: [], layer: nested(depth) })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
});

it('is documented as a reference to itself', async () => {
  for (const document of ['openapi.json', 'openapi-3.0.json']) {
    const { components } = (await (await fetch(`${minerals.url}/${document}`)).json()) as {
      components: { schemas: Record<string, { properties: Record<string, Message> }> };
    };
    expect(components.schemas['Layer']?.properties['layers']).toMatchObject({
      type: 'array',
      items: { $ref: '#/components/schemas/Layer' },
    });
  }
});

function nested(depth: number): Message {
  return { name: `layer ${depth}`, layers: depth > 1 ? [nested(depth - 1)] : [] };
}

/** A mineral to create: an object, or JSON as it is. */
async function send(body: Message | string): Promise<Response> {
  return fetch(`${minerals.url}/v1/minerals`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
