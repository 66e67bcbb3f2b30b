import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageClass } from '@rapport/contracts/rapport/content/v1/message';
import { expect, test } from 'vitest';
import { Chance } from '../../../test/mail/hostile-mails.js';
import { wholeText } from '../../../test/mail/whole-text.js';
import { parseMail } from './parse-mail.js';
import { trimmedSpans, visibleText as shownOf } from './trim-text.js';

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
  expect(wholeText(visibleText, trimmed, text)).toBe(text);
});

test('a forward of Gmail names the mail that it belongs to', async () => {
  const message = await parse('gmail-forward');
  expect(message).toMatchObject({
    inReplyTo: 'F6E2D0B4-CC35-4A91-BA4C-C7C712B10C13@mac.com',
    referenceIds: ['F6E2D0B4-CC35-4A91-BA4C-C7C712B10C13@mac.com'],
  });
});

const fixtures = join(import.meta.dirname, '../../../test/fixtures');

test.each(globSync('*/*.eml', { cwd: fixtures }))('%s is shown and hidden without a character less', async (file) => {
  const raw = readFileSync(join(fixtures, file));
  const { text = '', visibleText = '', trimmed } = (await parseMail({ raw, ownDomains: [], resolver: noDns })).message;
  expect(text).not.toBe('');
  expect(wholeText(visibleText, trimmed, text)).toBe(text);
});

/** Lines that mail programs and people write around what they answer. */
const pieces = [
  'Yes, please. 😀',
  '1. the first\n2. the second\n10. the last',
  '- a point\n* another',
  'On Mon, 1 Jan 2026 at 10:00, Ada <ada@example.invalid> wrote:',
  'On Mon, 1 Jan 2026 at 10:00,\nAda <ada@example.invalid>\nwrote:',
  'Am 01.01.2026 um 10:00 schrieb Ada:',
  'Le 1 janv. 2026 à 10:00, Ada a écrit :',
  '在 2026年1月1日，Ada 写道：',
  '> Shall we?',
  '>> 1. yes\n> 2. no',
  '> On Sun, Bob wrote:\n>> Hello',
  '-- \nAda',
  '--\nAda Lovelace\nEngines Ltd',
  '________________________________\nFrom: Ada\nSent: Monday\nTo: Support\nSubject: Scale',
  '-----Original Message-----\nFrom: Ada',
  'Sent from my iPhone',
  '    int main() { return 0; }',
  '',
  ' \t ',
];

test('random conversations are shown and hidden without a character less', () => {
  const chance = new Chance(26);
  let hidden = 0;
  for (let at = 0; at < 300; at += 1) {
    const text = Array.from({ length: 1 + chance.below(12) }, () => chance.one(pieces)).join(
      chance.one(['\n', '\r\n', '\n\n']),
    );
    const spans = trimmedSpans(text);
    hidden += spans.length;
    expect(wholeText(shownOf(text, spans), spans, text)).toBe(text);
    for (const [index, { start, end }] of spans.entries()) {
      expect(start).toBeGreaterThanOrEqual(spans[index - 1]?.end ?? 0);
      expect(end).toBeGreaterThan(start);
      expect(text.slice(start, end).isWellFormed()).toBe(true);
    }
  }
  expect(hidden).toBeGreaterThan(150);
});
