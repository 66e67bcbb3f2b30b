import { describe, expect, it } from 'vitest';
import { FairStore } from './answer-store.js';

class Value {
  used = false;
  isDropped = false;

  constructor(readonly bytes: number) {}

  dropped(): void {
    this.isDropped = true;
  }
}

function fill(store: FairStore<Value>, tenant: string, count: number, bytes = 10): Value[] {
  return Array.from({ length: count }, (_, index) => {
    const value = new Value(bytes);
    store.set(tenant, String(index), value);
    return value;
  });
}

describe('a store', () => {
  it('never exceeds its size limit', () => {
    const store = new FairStore<Value>(1_000);
    for (let n = 0; n < 500; n++) {
      store.set(`t${n % 7}`, String(n), new Value(1 + (n % 30)));
      expect(store.bytes).toBeLessThanOrEqual(1_000);
    }
    expect(store.bytes).toBeGreaterThan(900);
  });

  it('keeps used values, and evicts unused ones', () => {
    const store = new FairStore<Value>(1_000);
    const values = fill(store, 't', 100);
    for (const value of values.slice(0, 50)) value.used = true;
    for (let n = 0; n < 50; n++) store.set('t', `new ${n}`, new Value(10));
    expect(values.slice(0, 50).some(({ isDropped }) => isDropped)).toBe(false);
    expect(values.slice(50).every(({ isDropped }) => isDropped)).toBe(true);
  });

  it('evicts nothing of a tenant below an equal share, however much others store', () => {
    const store = new FairStore<Value>(1_000);
    const modest = fill(store, 'modest', 20);
    fill(store, 'greedy', 5_000);
    expect(modest.some(({ isDropped }) => isDropped)).toBe(false);
    expect(store.bytes).toBeGreaterThan(900);
  });

  it('gives a late tenant its share', () => {
    const store = new FairStore<Value>(1_000);
    fill(store, 'greedy', 5_000);
    const late = fill(store, 'late', 50);
    expect(late.some(({ isDropped }) => isDropped)).toBe(false);
  });

  it('replaces the old value of a key, and stores none that is too large', () => {
    const store = new FairStore<Value>(1_000);
    const [old] = fill(store, 't', 1);
    expect(store.set('t', '0', new Value(500))).toBe(false);
    expect(old?.isDropped).toBe(true);
    expect(store.get('t', '0')).toBeUndefined();
    expect(store.bytes).toBe(0);
  });

  it('is empty after it was cleared', () => {
    const store = new FairStore<Value>(1_000);
    const values = fill(store, 't', 10);
    store.clear();
    expect(values.every(({ isDropped }) => isDropped)).toBe(true);
    expect([store.bytes, store.size]).toEqual([0, 0]);
  });
});
