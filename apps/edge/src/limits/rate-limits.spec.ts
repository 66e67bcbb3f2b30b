import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Plan } from './plans.js';
import { FixedWindows, MemoryBudgets } from './rate-limits.js';

const plan: Plan = { keyUnits: 10, tenantUnits: 15, places: { interactive: 1, bulk: 1, feed: 1 } };
const key = (principalId: string, tenantId = 't1') => ({ principalId, tenantId, permissions: [] });
let budgets: MemoryBudgets;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  budgets = new MemoryBudgets();
});
afterEach(() => vi.useRealTimers());

describe('a budget in memory', () => {
  it('grants exactly the units of the plan, and returns the rest', () => {
    expect(budgets.charge(key('a'), plan, 7)).toMatchObject({ passed: true, keyLeft: 3, tenantLeft: 8 });
    expect(budgets.charge(key('a'), plan, 3)).toMatchObject({ passed: true, keyLeft: 0, tenantLeft: 5 });
    expect(budgets.charge(key('a'), plan, 1)).toMatchObject({ passed: false, keyLeft: 0, tenantLeft: 5 });
  });

  it('spends nothing of either budget when one of them refuses a charge', () => {
    budgets.charge(key('a'), plan, 9);

    expect(budgets.charge(key('a'), plan, 5)).toMatchObject({ passed: false, keyLeft: 1, tenantLeft: 6 });
    expect(budgets.charge(key('b'), plan, 7)).toMatchObject({ passed: false, keyLeft: 10, tenantLeft: 6 });
    expect(budgets.charge(key('b'), plan, 6)).toMatchObject({ passed: true, keyLeft: 4, tenantLeft: 0 });
  });

  it('limits the keys of a tenant together, and no other tenant', () => {
    budgets.charge(key('a'), plan, 10);
    budgets.charge(key('b'), plan, 5);

    expect(budgets.charge(key('c'), plan, 1).passed).toBe(false);
    expect(budgets.charge(key('d', 't2'), plan, 10).passed).toBe(true);
  });

  it('resets a minute after its first charge', () => {
    budgets.charge(key('a'), plan, 10);
    vi.advanceTimersByTime(59_999);
    expect(budgets.charge(key('a'), plan, 1)).toMatchObject({ passed: false, keyResetMs: 1 });

    vi.advanceTimersByTime(1);

    expect(budgets.charge(key('a'), plan, 10)).toMatchObject({ passed: true, keyResetMs: 60_000 });
  });

  it('is empty when the plan shrinks below the spent units', () => {
    budgets.charge(key('a'), plan, 10);

    const charge = budgets.charge(key('a'), { ...plan, keyUnits: 5 }, 1);

    expect(charge).toMatchObject({ passed: false, keyLeft: 0 });
  });
});

describe('windows of more ids than fit', () => {
  it('last for ids that are used again and again, and restart for the least recently used ones', () => {
    const windows = new FixedWindows(60_000);
    for (const id of ['busy', 'quiet']) windows.current(id, 0).used = 5;

    for (let other = 0; other < 60_000; other += 1) {
      windows.current(`other ${other}`, 1);
      if (other % 10_000 === 0) windows.current('busy', 1);
    }

    expect([windows.current('busy', 2).used, windows.current('quiet', 2).used]).toEqual([5, 0]);
  });
});
