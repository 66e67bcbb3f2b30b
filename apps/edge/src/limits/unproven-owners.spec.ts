import { createLogger } from '@rapport/platform';
import { expect, test } from 'vitest';
import { defaultLimitSettings } from './limit-settings.js';
import { Limits } from './limits.js';

/** One more than the number of windows that are kept. */
const flood = 50_001;

test('a flood of unproven ids does not restore the spent budget of a key', async () => {
  const limits = new Limits(defaultLimitSettings(), undefined, createLogger('test', 'silent'), 1);
  const caller = { tenantId: 't1', principalId: 'apiKey:1', permissions: [] };
  const pay = async () => limits.rates.charge({ caller, plan: limits.plans.standard }, 60_000);
  await pay();
  await expect(pay()).rejects.toThrow('60000 units');

  for (let id = 0; id < flood; id += 1) void limits.rates.chargeOwner(`connection-${id}`, 1);

  await expect(pay()).rejects.toThrow('60000 units');
  limits.close();
});
