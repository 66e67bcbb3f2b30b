import { expect, it } from 'vitest';
import { FailingEndpoints } from './failing-endpoints.js';

const hourMs = 3_600_000;

it('knows an endpoint as failing until its next attempts are over, and no longer', () => {
  const failing = new FailingEndpoints();
  failing.note('one', 5 * hourMs, 0);
  failing.note('one', 0, 0);
  failing.note('other', 0, 0);
  expect([...failing.current(0)]).toEqual(['one', 'other']);
  expect([...failing.current(5 * hourMs)]).toEqual(['one']);
  expect([...failing.current(6 * hourMs)]).toEqual([]);
});

it('forgets an endpoint that takes something', () => {
  const failing = new FailingEndpoints();
  failing.note('one', hourMs, 0);
  failing.forget('one');
  expect([...failing.current(0)]).toEqual([]);
});
