import { MessageClass, TrimmedKind } from '@rapport/contracts/rapport/content/v1/message';
import { expect, test } from 'vitest';
import { wholeText } from '../../../test/mail/whole-text.js';
import { parseMail } from './parse-mail.js';

const noDns = () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));

function parse(lines: readonly string[], more: { ownDomains?: string[]; authservId?: string } = {}) {
  return parseMail({ raw: Buffer.from(lines.join('\r\n')), ownDomains: [], resolver: noDns, ...more });
}

test('reads addresses, ids and texts of a mail', async () => {
  const { message } = await parse([
    'From: =?utf-8?q?J=C3=B6rg?= <Joerg@Example.com>',
    'To: Team: Support <support+abc@kestrel.example>, second@kestrel.example;',
    'Delivered-To: <support+token@kestrel.example>',
    'Message-ID: <1@example.com>',
    'In-Reply-To: <0@kestrel.example>',
    'References: <a@kestrel.example>',
    ' <0@kestrel.example>',
    'Subject: Re: [#12]',
    ' hello',
    'Date: Sun, 29 Nov 2026 09:00:00 +0100',
    '',
    'Thanks!',
  ]);

  expect(message).toMatchObject({
    ...{ fromAddress: 'joerg@example.com', fromName: 'Jörg', subject: 'Re: [#12] hello', text: 'Thanks!' },
    toAddresses: ['support+abc@kestrel.example', 'second@kestrel.example'],
    deliveredTo: ['support+token@kestrel.example'],
    ...{ internetMessageId: '1@example.com', inReplyTo: '0@kestrel.example' },
    referenceIds: ['a@kestrel.example', '0@kestrel.example'],
    ...{ sendTime: '2026-11-29T08:00:00.000Z', class: MessageClass.HUMAN },
  });
});

test('marks the quote and the signature, and drops nothing', async () => {
  const body = ['Yes, please.', '', 'On Mon, 1 Jan 2026, Kestrel wrote:', '> Shall we?', '> 1. yes', '', '-- ', 'Ada'];
  const { message } = await parse(['From: ada@example.com', '', ...body]);

  const text = message.text ?? '';
  expect(text).toContain('> 1. yes');
  expect(message.visibleText).toContain('Yes, please.');
  expect(message.visibleText).not.toContain('Shall we?');
  expect(message.trimmed.map(({ kind }) => kind)).toContain(TrimmedKind.QUOTE);
  expect(wholeText(message.visibleText ?? '', message.trimmed, text)).toBe(text);
});

test.each([
  ['a delivery report', 'Content-Type: multipart/report; report-type=delivery-status; boundary=b', MessageClass.BOUNCE],
  ['a complaint', 'Content-Type: multipart/report; report-type="feedback-report"; boundary=b', MessageClass.COMPLAINT],
  ['a vacation notice', 'Auto-Submitted: auto-replied (vacation)', MessageClass.AUTO_REPLY],
  ['a mail that says that a person wrote it', 'Auto-Submitted: no', MessageClass.HUMAN],
  ['a mail from nobody', 'Return-Path: <>', MessageClass.AUTO_REPLY],
  ['a mail of Exchange that wants no notice', 'X-Auto-Response-Suppress: OOF, DR', MessageClass.AUTO_REPLY],
  ['a mail that wants no read receipt', 'X-Auto-Response-Suppress: DR, RN', MessageClass.HUMAN],
  ['a mail of a list', 'List-Id: Users <users.example.com>', MessageClass.LIST],
  ['bulk mail', 'Precedence: bulk', MessageClass.LIST],
  ['a mail of Rapport', 'Message-ID: <5@mail.kestrel.example>', MessageClass.OWN],
])('knows %s by its headers', async (_name, header, expected) => {
  const { message } = await parse(['From: ada@example.com', header, '', 'Hello'], {
    ownDomains: ['mail.kestrel.example'],
  });
  expect(message.class).toBe(expected);
});

test('keeps HTML without what runs, loads or escapes', async () => {
  const { message } = await parse([
    ...['From: a@example.com', 'Content-Type: text/html', ''],
    '<p onclick="x()">Hi <img src="https://t.example/p.gif"><img src="cid:logo"><script>x()</script>',
    '<a href="javascript:x()">one</a><a href="https://example.com">two</a><a href="#top">three</a>',
    '<div style="position:fixed;background:url(https://t.example/b);color:red">in</div><base href="//t.example">',
    '<form action="https://t.example"><input name=a></form><svg onload=x()><style>@import "//t.example"</style></p>',
  ]);

  const html = message.html ?? '';
  expect(html).toContain('<img src="cid:logo" />');
  expect(html).toContain('<img data-remote-src="https://t.example/p.gif" />');
  expect(html).toContain('style="color:red"');
  expect(html).not.toMatch(/script|onclick|onload|javascript|position|url\(|<form|<base|<style|@import|href="#/);
});

test('takes results of the trusted server only', async () => {
  const headers = [
    'Authentication-Results: other.example; dmarc=pass',
    'Authentication-Results: mx.kestrel.example; dkim=fail; dkim=pass header.d=a; spf=softfail; dmarc=fail (p=none)',
  ];
  const mail = [...headers, 'From: ada@example.com', '', 'Hello'];
  const trusting = await parse(mail, { authservId: 'MX.kestrel.example' });
  const own = await parse(mail);

  expect(trusting.message.authentication).toEqual({ spf: 'softfail', dkim: 'pass', dmarc: 'fail', arc: 'none' });
  expect(own.message.authentication).toMatchObject({ dkim: 'none', dmarc: 'none' });
});

test.each([
  'spf=pass smtp.mailfrom="a; dmarc=pass"@example.com; dmarc=fail',
  'spf=pass smtp.mailfrom="a\\"; dmarc=pass"@example.com; dmarc=fail',
  'spf=pass (domain of "a; dmarc=pass"@example.com (designates; dmarc=pass) the host); dmarc=fail',
  'spf=pass (\\); dmarc=pass); dmarc=fail (x; dmarc=pass)',
])('takes no result from what the sender wrote into those of the trusted server: %s', async (results) => {
  const header = `Authentication-Results: mx.kestrel.example; ${results}`;
  const { message } = await parse([header, 'From: ada@example.com', '', 'Hello'], { authservId: 'mx.kestrel.example' });

  expect(message.authentication).toMatchObject({ spf: 'pass', dmarc: 'fail' });
});

test.each([
  [['From: ada@example.com', 'From: eve@example.org'], 'none'],
  [['From: ada@example.com', 'from : eve@example.org'], 'none'],
  [['From: ada@example.com, eve@example.org'], 'none'],
  [['From: "ada@example.com" <eve@example.org>'], 'pass'],
])('proves the sender of a mail with one author only: %j', async (authors, dmarc) => {
  const checked = 'Authentication-Results: mx; dkim=pass header.d=example.org; dmarc=pass header.from=example.org';
  const { message } = await parse([checked, ...authors, '', 'Hello'], { authservId: 'mx' });

  expect(message.authentication).toMatchObject({ dkim: 'pass', dmarc });
});

test('fails DMARC for a sender whose domain does not vouch for the mail', async () => {
  const records: Record<string, string[][]> = { '_dmarc.example.com': [['v=DMARC1; p=reject']] };
  const resolver = (name: string, type: string) =>
    type === 'TXT' && records[name] ? Promise.resolve(records[name]) : noDns();
  const raw = Buffer.from('From: Boss <boss@example.com>\r\n\r\nPay now.');
  const { message } = await parseMail({ raw, ownDomains: [], resolver });

  expect(message.authentication).toMatchObject({ dmarc: 'fail' });
});

test('checks the host that the envelope names, whatever the headers say, and none without it', async () => {
  const resolver = (name: string, type: string) =>
    type === 'TXT' && name === 'example.com' ? Promise.resolve([['v=spf1 ip4:192.0.2.17 -all']]) : noDns();
  const received = 'Received: from mail.example.com (mail.example.com [192.0.2.17]) by mx.kestrel.example; now';
  const raw = Buffer.from([received, 'Return-Path: <>', 'From: ada@example.com', '', 'Hi'].join('\r\n'));
  const of = async (clientAddress: string | undefined, sender = 'ada@example.com') => {
    const envelope = { sender, recipients: ['Support+token@kestrel.example'], clientAddress };
    const { message } = await parseMail({ raw, ownDomains: [], resolver, envelope });
    return [message.authentication?.spf, message.class, ...message.deliveredTo];
  };

  expect(await of('192.0.2.17')).toEqual(['pass', MessageClass.HUMAN, 'support+token@kestrel.example']);
  expect(await of('192.0.2.18')).toEqual(['fail', MessageClass.HUMAN, 'support+token@kestrel.example']);
  expect(await of(undefined)).toEqual(['none', MessageClass.HUMAN, 'support+token@kestrel.example']);
  expect(await of('192.0.2.17', '<>')).toEqual(['none', MessageClass.AUTO_REPLY, 'support+token@kestrel.example']);
});

test('a mail with a Received header that no mail server writes has not proven its sender', async () => {
  const resolver = (name: string, type: string) =>
    type === 'TXT' && name === 'example.com' ? Promise.resolve([['v=spf1 ip4:192.0.2.17 -all']]) : noDns();
  const envelope = { sender: 'ada@example.com', recipients: [], clientAddress: '192.0.2.17' };
  const of = async (received: string) => {
    const raw = Buffer.from([received, 'From: ada@example.com', '', 'Hi'].join('\r\n'));
    return (await parseMail({ raw, ownDomains: [], resolver, envelope })).message.authentication;
  };
  const long = `from ${'a '.repeat(4_000)}`;

  expect(await of('Received: from mail.example.com')).toMatchObject({ spf: 'pass', dmarc: 'none' });
  for (const received of [`Received: ${long}`, `X-A: b\nreceived :${long}`, `Received: from\r\n=${long}`]) {
    expect(await of(received)).toEqual({ spf: 'none', dkim: 'none', dmarc: 'fail', arc: 'none' });
  }
});

test('reads attachments, and names them safely', async () => {
  const { attachments } = await parse([
    ...['From: a@example.com', 'Content-Type: multipart/mixed; boundary=b', ''],
    ...['--b', 'Content-Type: text/plain', '', 'Hello'],
    ...[
      '--b',
      'Content-Type: text/csv; name="../../etc/passwd"',
      'Content-Disposition: attachment',
      '',
      'a,b',
      '--b--',
    ],
  ]);
  expect(attachments).toMatchObject([{ name: '.._.._etc_passwd', contentType: 'text/csv', isInline: false }]);
  expect(Buffer.from(attachments[0]?.content ?? []).toString()).toContain('a,b');
});

const htmlPart = (body: string) => ['Content-Type: text/html', '', body];

test.each([
  ['tables', '<table><tr><td>Hello</td></tr>'.repeat(2_000)],
  ['unclosed tables', `${'<table><tr><td>'.repeat(2_000)}Hello`],
  ['cells and items, which siblings may end', `${'<td><li>'.repeat(2_000)}Hello`],
])('HTML of %s within each other by the thousand is read as its text', async (_name, body) => {
  const { message } = await parse(['From: ada@example.com', ...htmlPart(body)]);

  expect(new Set(message.text?.split('\n'))).toEqual(new Set(['Hello']));
  expect(new Set(message.html?.split('<br />'))).toEqual(new Set(['Hello']));
});

test('deep HTML is read without what its text hides, and the plain part is the text beside it', async () => {
  const deep = `<style>p{}</style><p>A &lt;b&gt; &amp; c</p><script>x()</script>${'<div>'.repeat(2_000)}D<!-- E -->`;
  const parts = ['--b', 'Content-Type: text/plain', '', 'Plain', '--b', ...htmlPart(deep), '--b--'];
  const { message } = await parse([
    'From: a@example.com',
    'Content-Type: multipart/alternative; boundary=b',
    '',
    ...parts,
  ]);

  expect(message).toMatchObject({ text: 'Plain', html: 'A &lt;b&gt; &amp; c<br />D' });
});

test('parts that end no element are bounded together', async () => {
  const part = ['--b', ...htmlPart(`${'<div>'.repeat(400)}Hello`)];
  const parts = Array.from({ length: 20 }, () => part).flat();
  const { message } = await parse([
    'From: a@example.com',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    ...parts,
    '--b--',
  ]);

  expect(message.html).toBe(Array<string>(20).fill('Hello').join('<br />'));
});

test.each([
  ['elements', '<p>x</p>'],
  ['lines', 'x&#10;'],
])('many %s within many elements are read as their text', async (_, each) => {
  const of = async (count: number) => {
    const markup = `${'<blockquote>'.repeat(100)}<pre>${each.repeat(count)}`;
    return (await parse(['From: a@example.com', 'Content-Type: text/html', '', markup])).message;
  };

  expect((await of(1_000)).html).toContain('<blockquote>');
  const { html = '', text = '' } = await of(25_000);
  expect(html).not.toContain('<blockquote>');
  expect([html.match(/x/g), text.match(/x/g)]).toMatchObject([{ length: 25_000 }, { length: 25_000 }]);
});
