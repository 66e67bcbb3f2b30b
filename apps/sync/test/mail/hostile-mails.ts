import { gzipSync } from 'node:zlib';

/** Numbers that a seed determines. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

/** A mail that was made to break what reads it. `size` scales what is large. */
type Maker = (chance: Chance, size: number) => Buffer | string;

const lines = (...parts: readonly (string | readonly string[])[]) => parts.flat().join('\r\n');
const head = lines('From: Eve <eve@example.invalid>', 'To: support@kestrel.invalid', 'Subject: Hello');

function html(body: string): string {
  return lines(head, 'Content-Type: text/html; charset=utf-8', '', body);
}

function nested(depth: number, type: string): string {
  const open = Array.from({ length: depth }, (_, at) => [
    `Content-Type: multipart/${type}; boundary="b${at}"`,
    '',
    `--b${at}`,
  ]).flat();
  const close = Array.from({ length: depth }, (_, at) => `--b${depth - 1 - at}--`);
  return lines(head, open, 'Content-Type: text/plain', '', 'inner', close);
}

/** What a script, a remote load or an escape from the mail would need. */
const attacks = [
  '<script>alert(1)</script>',
  '<ScRiPt/x>alert(1)</sCrIpT >',
  '<img src=x onerror=alert(1)>',
  '<img src="https://t.invalid/p.gif" srcset="https://t.invalid/q.gif 2x">',
  '<svg/onload=alert(1)><animate onbegin=alert(1) attributeName=x />',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>',
  '<a href="jav&#x09;ascript:alert(1)">x</a>',
  '<a href=" javascript:alert(1)">x</a>',
  '<a href="data:text/html,<script>1</script>">x</a>',
  '<a href="//t.invalid">x</a>',
  '<iframe srcdoc="<script>1</script>"></iframe><object data="x"></object><embed src="x">',
  '<form action="https://t.invalid"><input autofocus onfocus=alert(1)><button>x</button></form>',
  '<style>body{background:url(https://t.invalid)}@import "https://t.invalid";</style>',
  '<div style="background:url(https://t.invalid/a)">x</div>',
  '<div style="position:fixed;top:0;left:0;width:100vw;height:100vh;z-index:9">x</div>',
  '<div style="width:expression(alert(1));behavior:url(x)">x</div>',
  '<base href="https://t.invalid/"><link rel=stylesheet href="https://t.invalid/s.css">',
  '<meta http-equiv=refresh content="0;url=https://t.invalid">',
  '<table background="https://t.invalid/b.gif"><td background="https://t.invalid">x</td></table>',
  '<video poster="https://t.invalid/p" src="https://t.invalid/v" autoplay></video><audio src="https://t.invalid">',
  '<img data-remote-src="javascript:alert(1)" src="data:image/svg+xml,<svg onload=alert(1)>">',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<textarea></p><script>alert(1)</script></textarea><title><img src=x onerror=alert(1)></title>',
  '<!--[if IE]><script>alert(1)</script><![endif]--><![CDATA[<script>alert(1)</script>]]>',
  '<template><script>alert(1)</script></template><slot name=x></slot><dialog open>x</dialog>',
];

const charsets = [
  'utf-7',
  'utf-16',
  'iso-2022-jp',
  'x-unknown',
  'cp932',
  'hz-gb-2312',
  '',
  '"; x=y',
  'unicode-1-1-utf-7',
];
const encodings = ['base64', 'quoted-printable', 'x-uuencode', '8bit', 'binary', 'nonsense', 'base64 base64'];

const makers: readonly Maker[] = [
  // Headers.
  (chance, size) => `X-Long: ${'a'.repeat(1_000 * size)}\r\n${head}\r\n\r\nbody ${chance.below(9)}`,
  (_, size) => `${'X-Many: 1\r\n'.repeat(200 * size)}${head}\r\n\r\nbody`,
  (_, size) => `${head}\r\nX-Folded: a${'\r\n '.repeat(500 * size)}\r\n\r\nbody`,
  (_, size) => `${head}\r\nReferences: ${'<a@b> '.repeat(200 * size)}\r\n\r\nbody`,
  (_, size) => `${head}\r\nCc: ${'a@b.invalid,'.repeat(200 * size)}\r\n\r\nbody`,
  (_, size) => `${head}\r\nCc: ${'g:'.repeat(50 * size)};\r\n\r\nbody`,
  (_, size) => `${head}\r\nCc: ${'('.repeat(100 * size)}\r\n\r\nbody`,
  (_, size) => `From: ${'"\\'.repeat(200 * size)} <a@b>\r\n\r\nbody`,
  (_, size) => `${head}\r\nSubject: ${'=?utf-8?q?=41?= '.repeat(100 * size)}\r\n\r\nbody`,
  (_, size) => `${head}\r\nContent-Type: text/plain; ${'a*0*=x; '.repeat(100 * size)}\r\n\r\nbody`,
  (_, size) =>
    `${head}\r\nReceived: ${'from a '.repeat(300 * size)}\r\nDKIM-Signature: ${'a=b;'.repeat(200 * size)}\r\n\r\nx`,
  (_, size) => `${`Authentication-Results: a; dkim=pass\r\n`.repeat(50 * size)}${head}\r\n\r\nx`,
  (chance) => Buffer.concat([Buffer.from('From: '), chance.bytes(300), Buffer.from('\r\n\r\nbody')]),
  () => 'From: a@b\0c.invalid\r\nSubject: \0\uD800\r\n\r\n\0body',
  () =>
    lines('From: a@b.invalid', 'From: c@d.invalid', 'Message-ID: <>', 'In-Reply-To: <<<>>>', 'Date: 99999', '', 'x'),
  () => '',
  () => '\r\n\r\n',
  // Parts.
  (chance, size) => nested(10 * size + chance.below(20), chance.one(['mixed', 'alternative', 'related', 'x'])),
  (_, size) => lines(head, 'Content-Type: multipart/mixed; boundary=b', '', Array<string>(200 * size).fill('--b\r\n')),
  () => lines(head, 'Content-Type: multipart/mixed; boundary=""', '', '--', 'x', '----'),
  () => lines(head, 'Content-Type: multipart/mixed', '', '--b', '', 'x', '--b--'),
  (_, size) =>
    lines(
      head,
      'Content-Type: message/rfc822',
      '',
      `${head}\r\nContent-Type: message/rfc822\r\n\r\n`.repeat(20 * size),
    ),
  (chance) =>
    lines(head, `Content-Type: text/plain; charset=${chance.one(charsets)}`, '', '+ADw-script+AD4-\x1b$B\xff\xfe'),
  (chance) =>
    Buffer.concat([
      Buffer.from(lines(head, `Content-Type: text/plain; charset=${chance.one(charsets)}`, '', '')),
      chance.bytes(2_000),
    ]),
  (chance) =>
    lines(
      head,
      `Content-Transfer-Encoding: ${chance.one(encodings)}`,
      '',
      '=ZZ=3D====\r\nbegin 644 a\r\n`\r\nend\r\n!!!',
    ),
  (_, size) => {
    const bomb = gzipSync(Buffer.alloc(100_000 * size)).toString('base64');
    return lines(head, 'Content-Type: application/gzip; name=bomb.gz', 'Content-Transfer-Encoding: base64', '', bomb);
  },
  (chance) =>
    lines(
      head,
      'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
      '',
      '--b',
      'Content-Type: message/delivery-status',
      '',
      `Action: ${'x:'.repeat(500)}`,
      chance.bytes(50).toString('latin1'),
      '--b--',
    ),
  (_, size) => lines(head, 'Content-Type: application/ms-tnef; name=winmail.dat', '', 'x'.repeat(100 * size)),
  // HTML and texts.
  (chance) => html(Array.from({ length: 5 }, () => chance.one(attacks)).join('')),
  (chance) =>
    html(
      chance
        .one(attacks)
        .split('')
        .join(chance.one(['', '\0', '<!-- -->', '\r\n'])) + chance.one(attacks),
    ),
  (_, size) => html('<div>'.repeat(500 * size)),
  (_, size) => html('<table><tr><td>'.repeat(200 * size)),
  (_, size) => html(`<p ${'a="b" '.repeat(500 * size)}>x`),
  (_, size) => html(`<a href="${'a'.repeat(1_000 * size)}">${'&amp;'.repeat(500 * size)}`),
  (_, size) => html(`<p style="${'color:red;'.repeat(300 * size)}${'('.repeat(300 * size)}">x`),
  (_, size) => html('<'.repeat(1_000 * size)),
  (_, size) => html(`<!--${'-'.repeat(1_000 * size)}`),
  (_, size) => lines(head, '', '> '.repeat(500 * size)),
  (_, size) => lines(head, '', Array<string>(200 * size).fill('On Monday, Ada wrote:')),
  (_, size) => lines(head, '', `On ${'a '.repeat(500 * size)}`),
  (_, size) => lines(head, '', Array<string>(200 * size).fill('-- ')),
  (_, size) => lines(head, '', ' '.repeat(1_000 * size), '_'.repeat(1_000 * size), '-'.repeat(1_000 * size)),
  (_, size) =>
    lines(
      head,
      '',
      Array.from({ length: 50 * size }, (_line, at) => `${'>'.repeat(at % 60)} ${at}. item`),
    ),
  (chance) => lines(head, '', chance.bytes(3_000).toString('latin1')),
];

/** Mails of every kind in turn, each with numbers of its own. */
export function* hostileMails(
  chance: Chance,
  count: number,
  largest: number,
): Generator<{ kind: number; raw: Buffer }> {
  for (let at = 0; at < count; at += 1) {
    const kind = at % makers.length;
    const made = makers[kind]?.(chance, 1 + chance.below(largest)) ?? '';
    yield { kind, raw: Buffer.from(made) };
  }
}
