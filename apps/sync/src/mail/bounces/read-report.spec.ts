import { BounceAction } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { expect, test } from 'vitest';
import { readReport, type ReportMail } from './read-report.js';

const token = 'bmzxw6ytboi2gk3tmmvwxa5dfon';
const verp = `support+${token}@example.com`;

function part(contentType: string, ...lines: string[]) {
  return { contentType, content: Buffer.from(lines.join('\r\n')) };
}

function mail(...attachments: ReportMail['attachments'][number][]): ReportMail {
  return { recipients: [verp], from: 'MAILER-DAEMON@mx.example.net', attachments };
}

test('reads a bounce with each of its recipients', () => {
  // The form of RFC 3464, section 9.1, with a folded field.
  const status = part(
    'message/delivery-status',
    'Reporting-MTA: dns; mx.example.net',
    'Arrival-Date: Sun, 29 Nov 2026 09:00:00 +0000',
    '',
    'Final-Recipient: rfc822; ada@example.net',
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 <ada@example.net>: Recipient address rejected:',
    '    User unknown',
    '',
    'Original-Recipient: rfc822;bob@example.net',
    'Final-Recipient: rfc822;robert@example.net',
    'Action: delayed',
    'Status: 4.4.1',
    '',
    'Final-Recipient: rfc822; eve@example.net',
    'Action: delivered',
    'Status: 2.0.0',
  );

  expect(readReport(mail(status))).toEqual({
    kind: 'BOUNCE',
    token,
    recipients: [
      {
        action: BounceAction.FAILED,
        status: '5.1.1',
        diagnostic: '550 5.1.1 <ada@example.net>: Recipient address rejected: User unknown',
        recipient: 'ada@example.net',
      },
      { action: BounceAction.DELAYED, status: '4.4.1', diagnostic: undefined, recipient: 'bob@example.net' },
    ],
  });
});

test('reads a complaint, whose token is in the fields of the original message', () => {
  const report = part(
    'message/feedback-report',
    'Feedback-Type: abuse',
    'User-Agent: SomeGenerator/1.0',
    'Version: 1',
    `Original-Mail-From: <${verp}>`,
    'Original-Rcpt-To: <ada@example.net>',
  );

  expect(readReport({ recipients: ['abuse@example.com'], attachments: [report] })).toEqual({
    kind: 'COMPLAINT',
    token,
    recipients: [{ action: BounceAction.COMPLAINT, diagnostic: 'abuse', recipient: 'ada@example.net' }],
  });
});

test('finds the token in the returned message when the report came to another address', () => {
  const status = part('message/delivery-status', 'Reporting-MTA: dns; a', '', 'Action: failed', 'Status: 5.2.2');
  const returned = part('message/rfc822', `Return-Path: <${verp.toUpperCase()}>`, 'Subject: Hello');

  const report = readReport({ recipients: ['support@example.com'], attachments: [status, returned] });
  expect(report).toMatchObject({ token, recipients: [{ status: '5.2.2' }] });
});

test.each([
  ['Hi. This is the qmail-send program.\n<ada@example.net>:\nUser unknown. (#5.1.1)', '5.1.1'],
  ['ada@example.net\n    host mx.example.net: 550 Unknown user', '5.0.0'],
  ['Remote host said: 452 Over quota', '4.0.0'],
])('reads a bounce in words: %s', (text, status) => {
  const recipients = [{ action: BounceAction.FAILED, status }];
  expect(readReport({ ...mail(), text })).toEqual({ kind: 'BOUNCE', token, recipients });
});

test('takes no other mail for a report', () => {
  const status = part('message/delivery-status', 'Reporting-MTA: dns; a', '', 'Action: failed', 'Status: 5.1.1');
  // An automatic answer goes to the envelope too.
  expect(readReport({ ...mail(), from: 'ada@example.net', text: 'I am away until 550.' })).toBeUndefined();
  expect(readReport({ ...mail(), text: 'Your message is waiting.' })).toBeUndefined();
  // Without the token, anyone could have written it.
  expect(readReport({ ...mail(status), recipients: ['support@example.com', 'b2@example.com'] })).toBeUndefined();
  expect(readReport({ ...mail(status), recipients: [`x${verp}`.replace('+', '')] })).toBeUndefined();
});

test('reads hostile fields in linear time, and no more than their bounds', () => {
  const groups = Array.from({ length: 5_000 }, (_, at) => [
    'Action: failed',
    `Final-Recipient: rfc822;${at}@example.net`,
    '',
  ]);
  const hostile = part('message/delivery-status', ...groups.flat(), ':', `${' '.repeat(50_000)}x`, 'Status:');
  const report = readReport(mail(hostile));
  expect(report?.recipients.length).toBe(100);
  expect(readReport(mail(part('message/delivery-status')))).toEqual({ kind: 'BOUNCE', token, recipients: [] });
});
