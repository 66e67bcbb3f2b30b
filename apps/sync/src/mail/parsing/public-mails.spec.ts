import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageClass } from '@rapport/contracts/rapport/content/v1/message';
import { expect, test } from 'vitest';
import { parseMail } from './parse-mail.js';

/** Mails that Gmail, Hotmail and Outlook made: its README says where they are from. */
const folder = join(import.meta.dirname, '../../../test/fixtures/public-mails');

const noDns = () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));

async function parse(name: string) {
  const raw = readFileSync(join(folder, `${name}.eml`));
  return (await parseMail({ raw, ownDomains: [], resolver: noDns })).message;
}

test.each([
  ['gmail', 'Hello', '> Hi'],
  ['gmail-forward', 'We should not include these files', undefined],
  ['hotmail', 'Hello', undefined],
  ['outlook', 'Hello', undefined],
])('a mail of %s keeps its whole text, and shows what its sender wrote', async (name, written, quoted) => {
  const { class: kind, text = '', visibleText = '', trimmed } = await parse(name);
  expect(kind).toBe(MessageClass.HUMAN);
  expect(visibleText).toContain(written);
  if (quoted !== undefined) expect([text.includes(quoted), visibleText.includes(quoted)]).toEqual([true, false]);
  const hidden = trimmed.map(({ start, end }) => text.slice(start, end)).join('');
  expect([...visibleText, ...hidden].sort()).toEqual([...text].sort());
});

test('a forward of Gmail names the mail that it belongs to', async () => {
  const message = await parse('gmail-forward');
  expect(message).toMatchObject({
    inReplyTo: 'F6E2D0B4-CC35-4A91-BA4C-C7C712B10C13@mac.com',
    referenceIds: ['F6E2D0B4-CC35-4A91-BA4C-C7C712B10C13@mac.com'],
  });
});
