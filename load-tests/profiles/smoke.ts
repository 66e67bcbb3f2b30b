import type { Scenario } from 'k6/options';

/** Hardly any load: does everything work at all? */
export const smoke: Scenario = { executor: 'constant-vus', vus: 2, duration: '30s' };
