import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { recipientMessageId, recipientOfMessageId, recipientOfToken, recipientToken } from './recipient-tokens.js';

const secret = randomBytes(32);

test('a token names its recipient, in any case, and no other text of its form does', () => {
  for (let round = 0; round < 200; round += 1) {
    const id = v7();
    const token = recipientToken(secret, id);
    expect(token).toMatch(/^c[a-z2-7]{38}$/);
    expect(recipientOfToken(secret, token.toUpperCase())).toBe(id);
    const place = 1 + Math.floor(Math.random() * 38);
    const changed = `${token.slice(0, place)}${token[place] === 'q' ? 'r' : 'q'}${token.slice(place + 1)}`;
    expect(recipientOfToken(secret, changed)).toBeUndefined();
    expect(recipientOfToken(randomBytes(32), token)).toBeUndefined();
  }
});

test('a Message-ID names its recipient', () => {
  const [campaign, recipient] = [v7(), v7()];
  expect(recipientOfMessageId(recipientMessageId(campaign, recipient, 'kestrel.example'))).toBe(recipient);
  expect(recipientOfMessageId(`${recipient}@kestrel.example`)).toBeUndefined();
});
