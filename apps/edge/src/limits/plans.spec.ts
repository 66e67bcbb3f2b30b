import { createLogger } from '@rapport/platform';
import { describe, expect, it, vi } from 'vitest';
import { defaultLimitSettings, limitVariables } from './limit-settings.js';
import { Plans } from './plans.js';

describe('the plans', () => {
  it('have the configured limits, and else those of the standard plan', () => {
    const plans = limitVariables.RATE_PLANS.parse('{"small":{"keyUnits":100}}');
    const standard = defaultLimitSettings().plans.get('standard');

    expect(plans.get('small')).toEqual({ ...standard, keyUnits: 100 });
    expect(plans.get('standard')).toEqual(standard);
  });

  it.each(['no JSON', '[]', '{"small":{"keyUnits":0}}', '{"small":{"units":5}}', '{"Small!":{}}'])(
    'are refused when they are %s',
    (text) => {
      expect(limitVariables.RATE_PLANS.safeParse(text).success).toBe(false);
    },
  );

  it('use the default plan for an unknown one, with one warning', () => {
    const logger = createLogger('test', 'silent');
    const warn = vi.spyOn(logger, 'warn');
    const plans = new Plans(defaultLimitSettings().plans, logger);

    expect(plans.of('retired')).toBe(plans.of('standard'));
    expect(plans.of('retired')).toBe(plans.of('standard'));
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
