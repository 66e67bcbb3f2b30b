import fastify from 'fastify';
import { validate, version } from 'uuid';
import { describe, expect, it } from 'vitest';
import { addressReader, requestIdOf } from './request-head.js';

it('is a new UUID of version 7 that has the time, when the client gives none that can be one', () => {
  const before = Date.now();
  const ids = Array.from({ length: 1_000 }, () => requestIdOf('bad id'));
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(new Set(ids.map((id) => id.slice(15))).size).toBe(1_000);
  const times = ids.map((id) => Number.parseInt(id.replace('-', '').slice(0, 12), 16));
  expect(times.every((time) => time >= before && time <= Date.now())).toBe(true);
});

it('is what the client gives', () => {
  expect(requestIdOf('request-77')).toBe('request-77');
});

describe('the address of a client', () => {
  const forwarded = [
    undefined,
    '',
    '203.0.113.9',
    '203.0.113.9, 10.0.0.1',
    'nonsense, 10.0.0.1',
    '10.0.0.2,10.0.0.1 ',
    '2001:db8::1',
  ];
  const proxies = [[], ['127.0.0.1'], ['127.0.0.0/8', '10.0.0.0/8'], ['loopback', 'uniquelocal']];

  it.each(proxies.map((each) => [each.join(), each] as const))('is what Fastify finds behind "%s"', async (_, each) => {
    const trustedProxies = [...each];
    const server = fastify({ trustProxy: trustedProxies.length > 0 ? trustedProxies : false });
    const addressOf = addressReader(trustedProxies);
    server.get('/', async (request) => [request.ip, addressOf(request.raw)]);
    for (const addresses of forwarded) {
      const headers = addresses === undefined ? {} : { 'x-forwarded-for': addresses };
      const [ip, address] = (await server.inject({ url: '/', headers })).json<string[]>();
      expect(address).toBe(ip);
    }
  });
});
