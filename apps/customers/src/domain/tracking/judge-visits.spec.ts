import { MessageEventVerdict as Verdict } from '@rapport/contracts/rapport/marketing/v1/message_event';
import { describe, expect, test } from 'vitest';
import { judgeVisits, type Visits } from './judge-visits.js';

const handOverMs = Date.parse('2026-03-01T08:00:00Z');
const { HUMAN, MACHINE, UNSURE } = Verdict;

/** Visits of a mail with five links, a minute after it was handed over. */
function visit(given: Partial<Visits> & { afterSeconds?: number }): Visits {
  const { afterSeconds = 60, ...visits } = given;
  const ms = handOverMs + afterSeconds * 1_000;
  return { part: 'HTML', number: 1, linkCount: 5, isProgram: false, firstMs: ms, lastMs: ms, ...visits };
}

function verdicts(visits: readonly Visits[]): Verdict[] {
  return judgeVisits(visits, handOverMs).map(({ verdict }) => verdict);
}

describe('a click is HUMAN', () => {
  test('if nothing speaks for a program', () => {
    expect(verdicts([visit({ number: 3 }), visit({ number: 4, afterSeconds: 61 })])).toEqual([HUMAN, HUMAN]);
  });

  test('also after a program looked at the link', () => {
    expect(verdicts([visit({ isProgram: true, afterSeconds: 5 }), visit({})])).toEqual([HUMAN]);
  });
});

describe('a click is MACHINE', () => {
  test.each([
    ['with the trap in the same burst', [visit({}), visit({ number: 0, afterSeconds: 90 })]],
    ['of a program', [visit({ isProgram: true })]],
    ['before the tenth second', [visit({ afterSeconds: 9.9 })]],
    ['before the hand-over was noted', [visit({ afterSeconds: -1 })]],
    ['with the trap, in the text', [visit({ part: 'TEXT' }), visit({ number: 0 })]],
  ])('%s', (_name, visits) => {
    expect(verdicts(visits)).toEqual([MACHINE]);
  });

  test('if all links were followed at once', () => {
    const numbers = [1, 2, 3, 4, 5];
    const all = (part: Visits['part']) =>
      numbers.map((number) => visit({ part, number, afterSeconds: 60 + number / 2 }));
    expect(verdicts(all('HTML'))).toEqual(numbers.map(() => MACHINE));
    expect(verdicts(all('TEXT'))).toEqual(numbers.map(() => MACHINE));
  });
});

describe('a visit is UNSURE', () => {
  test.each([
    ['of a link of the text', [visit({ part: 'TEXT' })]],
    ['of the image', [visit({ part: 'IMAGE', number: 0 })]],
  ])('%s', (_name, visits) => {
    expect(verdicts(visits)).toEqual([UNSURE]);
  });

  test('if all of several links were followed one by one', () => {
    const visits = [1, 2].map((number) => visit({ linkCount: 2, number, afterSeconds: 60 * number }));
    expect(verdicts(visits)).toEqual([UNSURE, UNSURE]);
  });

  test('of a mail whose outcome is not known', () => {
    expect(judgeVisits([visit({})], undefined)).toMatchObject([{ verdict: UNSURE }]);
  });
});

test('the trap alone is no event', () => {
  expect(judgeVisits([visit({ number: 0 })], handOverMs)).toEqual([]);
});

test('a link has one verdict, the best of its visits', () => {
  const visits = [visit({ part: 'TEXT', afterSeconds: 70 }), visit({ isProgram: true }), visit({ afterSeconds: 80 })];
  expect(judgeVisits(visits, handOverMs)).toEqual([{ number: 1, verdict: HUMAN, timeMs: handOverMs + 80_000 }]);
});
