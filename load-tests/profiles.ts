import type { Scenario, Stage } from 'k6/options';

/**
 * Rate and duration of a run. All profiles but `smoke` send at a fixed rate: clients that wait for slow answers would hide
 * them.
 *
 * @param perSecond iterations a second of an average day
 */
export function profilesOf(perSecond: number) {
  return {
    /** Hardly any load: checks that everything works. */
    smoke: { executor: 'constant-vus', vus: 2, duration: '30s' },
    /** An average day. */
    average: rates(perSecond, [to(1, '1m'), to(1, '10m'), to(0, '30s')]),
    /** Twice an average day, for long enough to scale. */
    stress: rates(perSecond, [to(1, '2m'), to(2, '5m'), to(2, '15m'), to(0, '1m')]),
    /** A sudden peak. */
    spike: rates(perSecond, [to(0.2, '1m'), to(5, '10s'), to(5, '1m'), to(0.2, '10s'), to(0.2, '2m')]),
    /** For hours: shows leaks and growth. */
    soak: rates(perSecond, [to(1, '5m'), to(1, '4h'), to(0, '1m')]),
    /** More and more, until a threshold is crossed. */
    breakpoint: rates(perSecond, [to(20, '40m')]),
  } satisfies Record<string, Scenario>;

  /** @param times how many times the rate of an average day */
  function to(times: number, duration: string): Stage {
    return { target: Math.ceil(perSecond * times), duration };
  }
}

function rates(perSecond: number, stages: Stage[]): Scenario {
  const most = Math.max(...stages.map(({ target }) => target));
  return {
    executor: 'ramping-arrival-rate',
    startRate: 0,
    timeUnit: '1s',
    // Enough for iterations of a second or two, with headroom for slow answers.
    preAllocatedVUs: Math.ceil(perSecond),
    maxVUs: Math.ceil(most * 3),
    stages,
  };
}
