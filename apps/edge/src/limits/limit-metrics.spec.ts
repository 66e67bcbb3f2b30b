import { Policy, TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import { createLogger, metrics } from '@rapport/platform';
import { expect, it } from 'vitest';
import type { Principal } from '../access/authenticator.js';
import { defaultLimitSettings } from './limit-settings.js';
import { Limits } from './limits.js';

it('the metrics have charges by outcome, places by class and limits by service', async () => {
  const settings = defaultLimitSettings();
  const limits = new Limits(settings, undefined, createLogger('test', 'silent'), 1);
  const caller = { tenantId: 't', principalId: 'p', permissions: [] };
  const principal: Principal = { caller, token: '', plan: limits.plans.standard, rights: '', origins: [] };

  const counted = [
    'rapport_rate_charges_total{outcome="passed"}',
    'rapport_rate_charges_total{outcome="refused"}',
    'rapport_places_used{class="bulk"}',
  ];
  const before = await figuresOf(counted);

  await limits.rates.charge(principal, 1);
  await expect(limits.rates.charge(principal, 1e9)).rejects.toThrow();
  limits.places.enter(methodOf('minerals', TrafficClass.BULK), principal);
  limits.places.enter(methodOf('ores', TrafficClass.INTERACTIVE), principal);
  limits.close();

  expect(await figuresOf(counted)).toEqual(before.map((figure) => figure + 1));
  expect(await figuresOf(['rapport_interactive_places_limit{service="ores"}'])).toEqual([settings.places.interactive]);
  const { interactive, bulk, feed } = settings.places;
  const classes = ['interactive', 'bulk', 'feed', 'public'];
  expect(await figuresOf(classes.map((name) => `rapport_places_limit{class="${name}"}`))).toEqual([
    ...[interactive, bulk, feed, settings.public.places],
  ]);
});

async function figuresOf(series: readonly string[]): Promise<number[]> {
  const lines = (await metrics.metrics()).split('\n');
  return series.map((name) => Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length)));
}

function methodOf(area: string, trafficClass: TrafficClass) {
  return { path: `/rapport.${area}.v1.Service/Method`, policy: Policy.fromPartial({ trafficClass }) };
}
