import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, expect, test } from 'vitest';
import { MailParser, UnreadableMail } from '../../src/mail/parsing/mail-parser.js';
import type { ParsedContent } from '../../src/mail/parsing/parse-mail.js';
import { Chance, hostileMails } from './hostile-mails.ts';
import { wholeText } from './whole-text.ts';

const name = 'Hostile mails';
/** Two of each kind, or more. */
const count = sizeOf('MAILS', { short: 90, long: 5_000 });
/** Scales what is large: 1,000 times 20 is a header of 20 MB. */
const largest = sizeOf('LARGEST', { short: 20, long: 20_000 });

const parser = new MailParser({ timeoutMs: 20_000 });
afterAll(() => parser.onApplicationShutdown());

const good = Buffer.from(
  'From: Ada <ada@example.invalid>\r\nSubject: Good\r\nAuthentication-Results: mx; dmarc=pass\r\n\r\nHi',
);

function parse(tenantId: string, raw: Buffer): Promise<ParsedContent> {
  return parser.parse(tenantId, { raw, ownDomains: ['kestrel.invalid'], authservId: 'mx' });
}

test('a mail that was made to break the parser stops no other mail', { timeout: soakTimeoutMs }, async () => {
  const tally = { mails: 0, parsed: 0, UNREADABLE: 0, PARSER_ENDED: 0 };
  const ended: number[] = [];
  for (const { kind, raw } of hostileMails(new Chance(printedSeed(name)), count, largest)) {
    tally.mails += 1;
    const [hostile, neighbour] = await Promise.allSettled([parse('hostile', raw), parse('neighbour', good)]);
    expect(neighbour).toMatchObject({ status: 'fulfilled', value: { message: { subject: 'Good', text: 'Hi' } } });
    if (hostile.status === 'fulfilled') {
      tally.parsed += 1;
      expectBounds(hostile.value, kind);
    } else {
      expect(hostile.reason).toBeInstanceOf(UnreadableMail);
      const { reason } = hostile.reason as UnreadableMail;
      tally[reason] += 1;
      if (reason === 'PARSER_ENDED') ended.push(kind);
    }
  }
  printTally(name, { ...tally, ended: ended.join('/') });
});

function expectBounds({ message, attachments }: ParsedContent, kind: number): void {
  const { text = '', html = '', visibleText = '', trimmed } = message;
  expect([text.length <= 500_000, html.length <= 1_000_000, message.subject.length <= 300]).toEqual([true, true, true]);
  expect(message.toAddresses.length + message.ccAddresses.length).toBeLessThanOrEqual(200);
  expect(attachments.length).toBeLessThanOrEqual(200);
  expect(text.isWellFormed() && !text.includes('\0') && html.isWellFormed() && !html.includes('\0')).toBe(true);
  expect(wholeText(visibleText, trimmed, text), `kind ${kind}`).toBe(text);
  // In texts and values, `<` and `>` are escaped.
  const tags = [...html.matchAll(/<[a-z][^>]*>/gi)].map(([tag]) => tag);
  for (const tag of tags) {
    const bare = tag.replaceAll(/"[^"]*"/g, '""');
    expect(bare).not.toMatch(/^<(?:script|style|iframe|object|embed|form|input|base|link|meta|svg)|\son/i);
    const values = (name: string) =>
      [...tag.matchAll(new RegExp(`\\s(?:${name})="([^"]*)"`, 'gi'))].map(([, value]) => value);
    for (const address of values('src|srcset|background|poster')) expect(address).toMatch(/^cid:/);
    for (const address of values('href')) expect(address).toMatch(/^(?:https?:|mailto:|tel:)/i);
    for (const style of values('style')) expect(style).not.toMatch(/url|expression|position|@/i);
  }
}
