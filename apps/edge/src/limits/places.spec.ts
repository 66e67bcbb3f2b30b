import { describe, expect, it } from 'vitest';
import { figures } from './limit-metrics.js';
import { Places } from './places.js';
import type { Plan } from './plans.js';

const plan: Plan = { keyUnits: 1, tenantUnits: 1, places: { interactive: 3, bulk: 1, feed: 1 } };
const tooMany = expect.objectContaining({ reason: 'TOO_MANY_CONCURRENT', retryAfterSeconds: 1 }) as Error;
const full = expect.objectContaining({ reason: 'OVERLOADED', retryAfterSeconds: 1 }) as Error;

describe('the places of a class', () => {
  it('are limited by each tenant’s plan', () => {
    const places = new Places('interactive');
    for (let count = 0; count < 3; count += 1) places.enter('t1', plan, 100);

    expect(() => places.enter('t1', plan, 100)).toThrow(tooMany);
    expect(() => places.enter('t2', plan, 100)).not.toThrow();
  });

  it('are refused to every tenant when all are in use', () => {
    const places = new Places('interactive');
    for (const tenant of ['t1', 't2', 't3', 't4']) places.enter(tenant, plan, 4);

    expect(() => places.enter('t5', plan, 4)).toThrow(full);
  });

  it('are never all given to one tenant, whatever its plan says', () => {
    const places = new Places('interactive');
    for (let count = 0; count < 3; count += 1)
      places.enter('t1', { ...plan, places: { ...plan.places, interactive: 99 } }, 4);

    expect(() => places.enter('t1', { ...plan, places: { ...plan.places, interactive: 99 } }, 4)).toThrow(full);
    expect(() => places.enter('t2', plan, 4)).not.toThrow();
  });

  it('are found by a tenant while another still holds more than there are now', () => {
    const places = new Places('interactive');
    const wide = { places: { ...plan.places, interactive: 99 } };
    for (let count = 0; count < 50; count += 1) places.enter('slow', wide, 100);
    for (let count = 0; count < 2; count += 1) places.enter('calm', wide, 8);

    expect(() => places.enter('slow', wide, 8)).toThrow(full);
    // Six are for the slow one.
    expect(() => places.enter('other', wide, 8)).toThrow(full);
  });

  it('are released once, however often a call ends', () => {
    const places = new Places('interactive');
    const before = figures.placesUsed.interactive;
    const leave = places.enter('t1', plan, 2);
    places.enter('t2', plan, 2);

    leave();
    leave();

    expect(figures.placesUsed.interactive).toBe(before + 1);
    places.enter('t3', plan, 2);
    expect(() => places.enter('t4', plan, 2)).toThrow(full);
  });
});
