import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import {
  ForecastSource,
  type ComputeForecastRequest,
  type Forecast,
} from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import { ownersSeenBy, type Caller } from '@rapport/platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { ForecastHistory } from './forecast-history.js';
import { pythonAnswers } from './python-answers.js';
import { RunningCustomers } from './running-customers.js';

const size = {
  histories: sizeOf('FORECAST_HISTORIES', { short: 1, long: 12 }),
  steps: sizeOf('FORECAST_STEPS', { short: 60, long: 400 }),
  /** Steps between forecasts. */
  pace: 4,
};

let service: RunningCustomers;

beforeAll(async () => {
  service = await RunningCustomers.start();
}, 120_000);
afterAll(() => service.stop());

/** A forecast as it was answered, and what it was computed from. */
interface Answered {
  request: Partial<ComputeForecastRequest>;
  caller: Caller;
  answer: Forecast;
  input: object;
  /** The time of a snapshot that was taken right after. */
  snapshotTime: string | undefined;
}

test(
  'a forecast of an earlier time is the one that was answered then, of the log, of a snapshot, and of an independent oracle',
  async () => {
    const random = new SeedRandom(printedSeed('forecasts-as-of'));
    const answered: Answered[] = [];
    const tally: Record<string, number> = {};
    for (let number = 0; number < size.histories; number += 1) {
      const history = await ForecastHistory.create(service, random);
      for (let step = 1; step <= size.steps; step += 1) {
        const outcome = await history.step();
        tally[outcome] = (tally[outcome] ?? 0) + 1;
        if (step % size.pace > 0) continue;
        const { request, caller } = history.question();
        const answer = await service.call('computeForecast', request, caller);
        const day = answer.computeTime?.slice(0, 10);
        const input = { request, day, seen: ownersSeenBy(caller), ...(await history.content()) };
        const snapshotTime = random.chance(0.3) ? await history.snapshot() : undefined;
        answered.push({ request, caller, answer, input, snapshotTime });
        await expectSame(random.pick(answered));
      }
    }
    for (const each of answered) await expectSame(each);
    await forgetLog();
    for (const each of answered) await expectSameOfSnapshot(each);

    printTally('steps', tally);
    const groups = answered.reduce((sum, { answer }) => sum + answer.groups.length, 0);
    const snapshots = answered.filter(({ snapshotTime }) => snapshotTime !== undefined).length;
    printTally('forecasts', { answered: answered.length, groups, snapshots });
    const expected = pythonAnswers(
      'forecast_oracle.py',
      answered.map(({ input }) => input),
    );
    answered.forEach(({ answer, request }, index) => {
      const { total, groups: found, conversion } = JSON.parse(JSON.stringify(answer)) as Forecast;
      expect({ total, groups: found, conversion }, JSON.stringify(request)).toEqual(expected[index]);
    });
    const conversions = answered.flatMap(({ answer }) => answer.conversion ?? []);
    const [rates, unconverted] = [
      conversions.reduce((sum, each) => sum + each.rates.length, 0),
      conversions.reduce((sum, each) => sum + each.unconvertedDealCount, 0),
    ];
    printTally('conversions', {
      currencies: new Set(conversions.map((each) => each.currencyCode)).size,
      rates,
      unconverted,
    });
    // The few steps of the short form need not meet a rate and a group.
    expect(Math.min(rates, groups)).toBeGreaterThanOrEqual(isSoak ? 1 : 0);
  },
  isSoak ? soakTimeoutMs : 60_000,
);

async function expectSame({ request, caller, answer }: Answered): Promise<void> {
  const { source, ...past } = await service.call('computeForecast', { ...request, asOf: answer.computeTime }, caller);
  expect({ ...past, source: answer.source }, JSON.stringify({ request, source })).toEqual(answer);
}

/** From now on, the log has nothing of earlier times. */
async function forgetLog(): Promise<void> {
  const superuser = await service.connectAsSuperuser();
  await superuser.query('update change_log_state set dropped_time = clock_timestamp()');
  await superuser.end();
}

async function expectSameOfSnapshot({ request, caller, answer, snapshotTime }: Answered): Promise<void> {
  if (snapshotTime === undefined) return;
  const { source, computeTime, ...past } = await service.call(
    'computeForecast',
    { ...request, asOf: snapshotTime },
    caller,
  );
  expect({ source, computeTime }).toEqual({ source: ForecastSource.SNAPSHOT, computeTime: snapshotTime });
  const { total, groups, conversion } = answer;
  expect(past, JSON.stringify(request)).toMatchObject({ total, groups, conversion });
}
