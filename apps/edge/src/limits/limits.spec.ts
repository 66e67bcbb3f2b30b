import { Policy, TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import { createLogger } from '@rapport/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../access/authenticator.js';
import { defaultLimitSettings } from './limit-settings.js';
import { Limits } from './limits.js';

const logger = createLogger('test', 'silent');
const defaults = defaultLimitSettings();
const plan = { keyUnits: 100, tenantUnits: 100, places: { interactive: 1, bulk: 1, feed: 1 } };
const full = expect.objectContaining({ reason: 'OVERLOADED' }) as Error;
const tooMany = expect.objectContaining({ reason: 'TOO_MANY_CONCURRENT' }) as Error;
let limits: Limits;

beforeEach(() => {
  const plans = new Map([['standard', plan]]);
  const settings = { ...defaults, plans, places: { interactive: 2, bulk: 2, feed: 2 } };
  limits = new Limits(settings, undefined, logger, 1);
});
afterEach(() => limits.close());

describe('interactive places', () => {
  it('of one service do not run out because of another', () => {
    for (const tenant of ['a', 'b']) limits.places.enter(methodOf('ores'), principalOf(tenant));

    expect(() => limits.places.enter(methodOf('ores'), principalOf('c'))).toThrow(full);
    expect(() => limits.places.enter(methodOf('ores'), principalOf('a'))).toThrow(tooMany);
    for (const tenant of ['a', 'c']) limits.places.enter(methodOf('minerals'), principalOf(tenant));
  });

  it('are back when a call has failed', async () => {
    const fail = () =>
      limits.places.during(methodOf('ores'), principalOf('a'), () => Promise.reject(new Error('failed')));

    await expect(fail()).rejects.toThrow('failed');
    await expect(fail()).rejects.toThrow('failed');
  });
});

it('bulk places are those of all services together', () => {
  for (const tenant of ['a', 'b']) limits.places.enter(methodOf('ores', TrafficClass.BULK), principalOf(tenant));

  expect(() => limits.places.enter(methodOf('minerals', TrafficClass.BULK), principalOf('c'))).toThrow(full);
});

it.each([
  ['keyUnits', 99],
  ['tenantUnits', 99],
])('a plan whose %s never suffice for the dearest operation keeps the edge from starting', (field, units) => {
  const limitsOf = (narrow: object) =>
    new Limits(
      { ...defaults, plans: new Map([...defaults.plans, ['small', { ...plan, ...narrow }]]) },
      undefined,
      logger,
      100,
    );

  expect(() => limitsOf({ [field]: units })).toThrow(`small.${field} is 99, and one operation costs 100`);
  expect(() => limitsOf({})).not.toThrow();
});

function methodOf(area: string, trafficClass = TrafficClass.INTERACTIVE) {
  return { path: `/rapport.${area}.v1.Service/Method`, policy: Policy.fromPartial({ trafficClass }) };
}

function principalOf(tenantId: string): Principal {
  return {
    caller: { tenantId, principalId: tenantId, permissions: [] },
    token: '',
    plan,
    rights: '',
    origins: [],
  };
}
