import { Policy, TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import { createLogger, metrics } from '@rapport/platform';
import { expect, it } from 'vitest';
import type { Principal } from '../authenticator.js';
import { defaultLimitSettings } from './limit-settings.js';
import { Limits } from './limits.js';

it('the metrics tell charges by outcome, places by class and limits by service', async () => {
  const settings = defaultLimitSettings();
  const limits = new Limits(settings, undefined, createLogger('test', 'silent'), 1);
  const caller = { tenantId: 't', principalId: 'p', permissions: [] };
  const principal: Principal = { caller, token: '', plan: 'standard', rights: '' };

  await limits.charge(principal, 1);
  expect(() => limits.charge(principal, 1e9)).toThrow();
  limits.enter(methodOf('minerals', TrafficClass.BULK), principal);
  limits.enter(methodOf('ores', TrafficClass.INTERACTIVE), principal);
  limits.close();

  const text = await metrics.metrics();
  expect(text).toContain('rapport_rate_charges_total{outcome="passed"} 1');
  expect(text).toContain('rapport_rate_charges_total{outcome="refused"} 1');
  expect(text).toContain('rapport_places_used{class="bulk"} 1');
  expect(text).toContain(`rapport_interactive_places_limit{service="ores"} ${settings.places.interactive}`);
  expect(text).toContain('rapport_rate_insurance_in_use 0');
});

function methodOf(area: string, trafficClass: TrafficClass) {
  return { path: `/rapport.${area}.v1.Service/Method`, policy: Policy.fromPartial({ trafficClass }) };
}
