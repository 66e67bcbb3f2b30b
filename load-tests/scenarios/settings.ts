import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api } from './api.ts';
import type { Scenario } from './scenario.ts';

/** Reads for each change. */
const reads = 20;
/** Think time after a read, in seconds. */
const lookSeconds = 0.5;

/** A user who opens pages, each of which reads the settings, and sometimes changes them. */
export function settings(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['GetSettings', 'UpdateSettings'],
    setup: () => null,
    run() {
      const zones = Array.from({ length: reads }, () => {
        const { body } = api.get<{ timeZone: string }>('GetSettings', '/v1/settings');
        sleep(lookSeconds);
        return body?.timeZone;
      });
      check(zones, { 'the settings have a time zone': (shown) => shown.every((zone) => zone !== undefined) });
      const fiscalYearStartMonth = 1 + Math.floor(Math.random() * 12);
      const change = { fiscalYearStartMonth };
      const { body } = api.send<typeof change>('PATCH', 'UpdateSettings', '/v1/settings', change);
      check(body, { 'the settings are changed': (changed) => changed?.fiscalYearStartMonth === fiscalYearStartMonth });
    },
  };
}
