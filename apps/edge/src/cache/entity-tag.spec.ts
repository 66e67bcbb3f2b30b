import { describe, expect, it } from 'vitest';
import { hasCurrent } from './entity-tag.js';

describe('If-None-Match', () => {
  it.each(['"5"', 'W/"5"', '"4", "5"', '"a,b",W/"5"', '*', ' * '])('%s names "5"', (header) => {
    expect(hasCurrent(header, '"5"')).toBe(true);
  });

  it.each(['', '5', '"55"', '"4"', 'W/"4"', '"*"', '"4,5"'])('%s does not name "5"', (header) => {
    expect(hasCurrent(header, '"5"')).toBe(false);
  });

  it('compares weakly on both sides', () => expect(hasCurrent('"5"', 'W/"5"')).toBe(true));
});
