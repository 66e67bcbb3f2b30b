import { expect, test } from 'vitest';
import { checkEtag, formatEtag } from './etag.js';

test.each([undefined, '*', ' * ', '"3"', '"1", "3"', '"1","3"', ' ,"3" , ', 'W/"3", "3"', '"a,b", "3"'])(
  'accepts a change of version 3 with %j',
  (given) => {
    expect(() => checkEtag(given, 3)).not.toThrow();
  },
);

test.each(['"2"', '"1", "2"', 'W/"3"', '""', '"03"', '",3,"'])('rejects a change of version 3 with %j', (given) => {
  expect(() => checkEtag(given, 3)).toThrow(expect.objectContaining({ code: 'ABORTED', reason: 'ETAG_MISMATCH' }));
});

test.each(['', '3', '"3', "'3'", '"3" "4"', '*, "3"', 'w/"3"', '"a b"', '"3";', '"3"\n'])(
  'rejects %j as malformed',
  (given) => {
    expect(() => checkEtag(given, 3)).toThrow(
      expect.objectContaining({ violations: [expect.objectContaining({ field: 'etag', reason: 'ETAG_MALFORMED' })] }),
    );
  },
);

test('quotes the version', () => {
  expect(formatEtag(12)).toBe('"12"');
});

test('takes linear time for a hostile value, which in quadratic time would exceed the time-out', () => {
  expect(() => checkEtag(`"a"${' ,'.repeat(1_000_000)}!`, 3)).toThrow();
});
