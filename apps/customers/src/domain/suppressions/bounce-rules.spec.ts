import { expect, test } from 'vitest';
import { bounceClassOf } from './bounce-rules.js';

test.each([
  ['5.1.1', undefined, 'HARD'],
  ['5.2.1', undefined, 'HARD'],
  ['5.4.4', undefined, 'HARD'],
  ['5.2.2', undefined, 'SOFT'],
  ['5.7.1', 'user unknown', 'SOFT'],
  ['4.2.2', 'mailbox disabled', 'SOFT'],
  // Only the words of these say whether they are about the address.
  ['5.0.0', '550 Unknown user', 'HARD'],
  ['5.0.0', '550 <ada@example.net>: no such user here', 'HARD'],
  ['5.0.0', '550 mailbox ada@example.net not found', 'HARD'],
  ['5.0.0', "550 recipient doesn't exist", 'HARD'],
  ['5.0.0', '554 your message looks like spam', 'SOFT'],
  ['5.0.0', '550 Denied', 'SOFT'],
  ['5.0.0', undefined, 'SOFT'],
])('a failure with %s and the words %s is %s', (status, words, expected) => {
  expect(bounceClassOf(status, words)).toBe(expected);
});
