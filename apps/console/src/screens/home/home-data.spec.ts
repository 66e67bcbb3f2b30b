import { describe, expect, it } from 'vitest';
import { daysBetween, median, weekOf } from './home-data.ts';

const day = (text: string) => new Date(`${text}T00:00:00Z`);

describe('the dashboard', () => {
  it('names ISO weeks as the groups of the API do, across years too', () => {
    expect(weekOf(day('2026-11-28'))).toEqual({ key: '2026-W48', number: 48, monday: day('2026-11-23') });
    expect(weekOf(day('2027-01-01')).key).toBe('2026-W53');
    expect(weekOf(day('2024-12-30')).key).toBe('2025-W01');
  });

  it('takes the middle of stays, and nothing of none', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeUndefined();
  });

  it('counts whole days', () => expect(daysBetween(day('2026-02-27'), day('2026-03-02'))).toBe(3));
});
