import { expect, test } from 'vitest';
import { checkEtag, formatEtag } from './etag.js';

test.each([undefined, '*', ' * ', '"3"', '"1", "3"', '"1","3"', ' ,"3" , ', 'W/"3", "3"', '"a,b", "3"'])(
  'lets a change of version 3 pass with %j',
  (given) => {
    expect(() => checkEtag(given, 3)).not.toThrow();
  },
);

test.each(['"2"', '"1", "2"', 'W/"3"', '""', '"03"', '",3,"'])('finds that %j does not match version 3', (given) => {
  expect(() => checkEtag(given, 3)).toThrow(expect.objectContaining({ code: 'ABORTED', reason: 'ETAG_MISMATCH' }));
});

test.each(['', '3', '"3', "'3'", '"3" "4"', '*, "3"', 'w/"3"', '"a b"', '"3";', '"3"\n'])(
  'calls %j malformed',
  (given) => {
    expect(() => checkEtag(given, 3)).toThrow(
      expect.objectContaining({ violations: [expect.objectContaining({ field: 'etag', reason: 'ETAG_MALFORMED' })] }),
    );
  },
);

test('quotes the version', () => {
  expect(formatEtag(12)).toBe('"12"');
});

test('takes linear time for a hostile value: in quadratic time this one would be far beyond the time-out', () => {
  expect(() => checkEtag(`"a"${' ,'.repeat(1_000_000)}!`, 3)).toThrow();
});
