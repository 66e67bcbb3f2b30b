import { describe, expect, it } from 'vitest';
import { Format } from '../gen/rapport/api/v1/options.js';
import { dateTimeFormat, isStorableText, textFormat } from './formats.js';

const cases: [Format, string[], string[]][] = [
  [
    Format.UUID,
    ['019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11'],
    [
      '',
      '019AB2F4-6C1E-7C3A-9D52-0C7E8B1F4A11',
      '019ab2f46c1e7c3a9d520c7e8b1f4a11',
      ' 019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11',
    ],
  ],
  [
    Format.EMAIL,
    ['a@b', 'luisg@embraer.com.br', "o'neil+x@ex-ample.com", 'josé@exámple.com'],
    ['', 'a', 'a@', '@b', 'a b@c.d', 'a@b..c', 'a@-b.c', 'a@b.c\n', `${'x'.repeat(65)}@b.c`],
  ],
  [
    Format.DOMAIN,
    ['example.com', 'münchen.example', 'a-b.co.uk', 'xn--mnchen-3ya.de'],
    ['', 'example', '-a.com', 'a..b', 'a.com/', 'http://a.com', `${'a.'.repeat(130)}com`],
  ],
  [
    Format.URL,
    ['https://example.com/a?b#c', 'HTTP://example.com'],
    ['', 'example.com', 'ftp://a.b', 'https://', 'javascript:1'],
  ],
  [Format.COUNTRY_CODE, ['DE', 'BR'], ['', 'de', 'DEU', 'QX', 'ZZ', 'EU', '12']],
  [
    Format.DATE,
    ['2026-01-31', '2028-02-29', '0001-01-01', '9999-12-31'],
    ['', '2026-1-31', '2026-02-29', '2026-13-01', '2026-01-00', '0000-01-01', '2026-01-31T00:00:00Z', '31.01.2026'],
  ],
];

describe.each(cases)('format %i', (format, good, bad) => {
  it.each(good)('takes %j', (text) => expect(textFormat(format)?.test(text)).toBe(true));
  it.each(bad)('refuses %j', (text) => expect(textFormat(format)?.test(text)).toBe(false));
});

describe('a time', () => {
  it.each(['2026-01-31T09:30:00Z', '2026-01-31t09:30:00.123456789+02:00'])('may be %s', (text) => {
    expect(dateTimeFormat.test(text)).toBe(true);
  });

  it.each([
    '2026-01-31',
    '2026-13-01T00:00:00Z',
    '2026-01-31T09:30:00',
    '0000-01-01T00:00:00Z',
    '2027-02-30T00:00:00Z',
    '2027-01-01T24:00:00Z',
    '9999-12-31T23:59:59-23:59',
    'now',
  ])('may not be %s', (text) => expect(dateTimeFormat.test(text)).toBe(false));
});

describe('storable text', () => {
  it.each(['', 'a\tb\n', '😀', 'ﷺ'])('may be %j', (text) => expect(isStorableText(text)).toBe(true));
  it.each(['a\0', '\ud800', 'a\udfffb'])('may not be %j', (text) => expect(isStorableText(text)).toBe(false));
});
