import { describe, expect, it } from 'vitest';
import { Floors } from './floors.js';

describe('a footing', () => {
  it('holds until one of its floors is raised', () => {
    const floors = new Floors();
    const footing = floors.stand(['a', 'b']);
    floors.raise(['c']);
    expect(footing.holds).toBe(true);
    floors.raise(['b']);
    expect(footing.holds).toBe(false);
  });

  it('that begins after a floor was raised holds', () => {
    const floors = new Floors();
    const before = floors.stand(['a']);
    floors.raise(['a']);
    expect(floors.stand(['a']).holds).toBe(true);
    expect(before.holds).toBe(false);
  });

  it('holds no longer when all are raised', () => {
    const floors = new Floors();
    const footing = floors.stand([]);
    floors.raiseAll();
    expect(footing.holds).toBe(false);
  });

  it('takes no memory when everybody has left', () => {
    const floors = new Floors();
    const footings = [floors.stand(['a', 'b']), floors.stand(['b'])];
    expect(floors.size).toBe(2);
    for (const footing of footings) {
      footing.leave();
      footing.leave();
    }
    floors.raise(['a', 'b']);
    expect(floors.size).toBe(0);
  });
});
