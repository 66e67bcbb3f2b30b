import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { printedSeed, printTally, sizeOf } from '@rapport/testing';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { instantOf } from '../src/domain/campaigns/local-time.js';

const count = sizeOf('LOCAL_TIMES', { short: 2_000, long: 200_000 });

/** Zones from the first to the last, with gaps of an hour, half an hour and a day. */
const zones = [
  ...['Pacific/Kiritimati', 'Pacific/Apia', 'Pacific/Chatham', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Asia/Tehran'],
  ...['Europe/Berlin', 'Europe/London', 'Africa/Casablanca', 'America/Sao_Paulo', 'America/New_York', 'Etc/GMT+12'],
];

/** Hours in which clocks change, in most places. */
const hours = [0, 1, 2, 3, 23];

// Later years depend on the release of the time zone database, which Python and Node have of their own.
const [firstYear, lastYear] = [1980, 2023];

test('each local time is the instant that Python finds: after a gap the first one, of two the first', () => {
  const random = new SeedRandom(printedSeed('local-times'));
  const asked = Array.from({ length: count }, () => {
    const day = new Date(
      Date.UTC(firstYear + random.below(lastYear - firstYear + 1), random.below(12), 1 + random.below(31)),
    );
    const hour = hours[random.below(hours.length)]!;
    const time = new Date(day.getTime() + hour * 3_600_000 + random.below(4) * 900_000);
    return [zones[random.below(zones.length)]!, time.toISOString().slice(0, 16)] as const;
  });
  asked.push(['Pacific/Apia', '2011-12-30T00:00'], ['Europe/Berlin', '2023-03-26T02:30']);
  const input = asked.map((each) => `${each.join(' ')}\n`).join('');
  const script = join(import.meta.dirname, 'local_times.py');
  const wanted = execFileSync('python3', [script], { input, encoding: 'utf8', maxBuffer: 2 ** 28 })
    .trim()
    .split('\n');
  const found = asked.map(([zone, text]) => instantOf(text, zone).toISOString());

  expect(found).toEqual(wanted);
  printTally('local-times', { times: asked.length, zones: zones.length });
});
