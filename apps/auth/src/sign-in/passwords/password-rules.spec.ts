import { expect, test } from 'vitest';
import { passwordViolation } from './password-rules.js';

const owner = { email: 'ada.lovelace@example.com', displayName: 'Ada Lovelace', tenantName: 'Analytical Engines' };
const reasonFor = async (password: string) => (await passwordViolation('password', password, owner))?.reason;

test.each(['dust jigsaw plinth', 'aaaabbbbzq', '🐙🦑🐚🦐🦞🦀🐡🐠', `lovelace and the ${'x'.repeat(100)}`])(
  'takes %j',
  async (password) => {
    expect(await reasonFor(password)).toBeUndefined();
  },
);

test.each([
  ['Password1', 'PASSWORD_COMMON'],
  ['qwertyuiop', 'PASSWORD_COMMON'],
  ['ada.lovelace@example.com', 'PASSWORD_GUESSABLE'],
  ['Lovelace2026', 'PASSWORD_GUESSABLE'],
  ['analyticalengines!', 'PASSWORD_GUESSABLE'],
  ['Rapport-2026', 'PASSWORD_GUESSABLE'],
])('refuses %j as %s', async (password, reason) => {
  expect(await reasonFor(password)).toBe(reason);
});

test('compares the exact password, including spaces', async () => {
  expect(await reasonFor(' qwertyuiop')).toBeUndefined();
});
