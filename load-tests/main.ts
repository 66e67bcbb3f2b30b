// Any scenario under any profile: `k6 run -e SCENARIO=mixed -e PROFILE=average load-tests/main.ts`. README.md has the variables.
import type { Options, Threshold } from 'k6/options';
import { profilesOf } from './profiles.ts';
import { scenarios } from './scenarios/scenarios.ts';
import { objectives } from './slo.ts';
import { chosen, numberVariable, variable } from './variables.ts';

const name = variable('SCENARIO', 'mixed');
const scenario = chosen('SCENARIO', name, scenarios)(variable('BASE_URL'));
const profileName = variable('PROFILE', 'smoke');
const profile = chosen('PROFILE', profileName, profilesOf(numberVariable('RATE', 20)));

/** k6 exits with 99 when a threshold is crossed. Durations are in milliseconds. */
export const options: Options = {
  scenarios: { [name]: profile },
  thresholds: {
    checks: [stopping('rate>=0.999')],
    ...(scenario.protocol === 'http' && { http_req_failed: [stopping(`rate<=${objectives.failedShare}`)] }),
    ...Object.fromEntries(
      scenario.operations.map((operation) => [
        `${scenario.protocol}_req_duration{name:${operation}}`,
        [stopping(`p(95)<${objectives.p95Ms[operation]}`)],
      ]),
    ),
  },
};

/** Input of every iteration, such as ids. Runs once, before the load. */
export function setup(): unknown {
  return scenario.setup();
}

export default function run(data: unknown): void {
  scenario.run(data);
}

/** `breakpoint` stops at the first crossed threshold; every other profile runs to its end. */
function stopping(threshold: string): Threshold {
  if (profileName !== 'breakpoint') return threshold;
  return { threshold, abortOnFail: true, delayAbortEval: '30s' };
}
