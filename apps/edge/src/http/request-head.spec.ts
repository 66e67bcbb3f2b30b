import { validate, version } from 'uuid';
import { expect, it } from 'vitest';
import { requestIdOf } from './request-head.js';

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
