import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { dueTimes, recurrenceOf } from '../../src/flows/triggers/times/schedule-times.js';

const schedules = sizeOf('SCHEDULES', { short: 40, long: 2_000 });
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Zones with changes of the clock by an hour and by half of one, at midnight and in the night, and without any. */
const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Africa/Cairo', 'UTC'];
const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const dayMs = 86_400_000;
const minuteMs = 60_000;

let state = seed;
function random(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return (state >>> 8) % below;
}

function some<Item>(items: readonly Item[], most: number): Item[] {
  const chosen = new Set(Array.from({ length: 1 + random(most) }, () => items[random(items.length)] as Item));
  return items.filter((item) => chosen.has(item));
}

test(
  'a schedule fires each of its times once, through restarts and changes of the clock',
  { timeout: soakTimeoutMs },
  () => {
    const asked = Array.from({ length: schedules }, () => {
      // Around the changes of the clock in spring and autumn.
      const changeMs = [Date.UTC(2026, 2, 8), Date.UTC(2026, 2, 29), Date.UTC(2026, 9, 25), Date.UTC(2026, 3, 5)][
        random(4)
      ];
      const fromMs = (changeMs ?? 0) - random(4 * 24 * 60) * minuteMs;
      return {
        zone: zones[random(zones.length)]!,
        minutes: some([0, 15, 30, 59], 2),
        hours: some([0, 1, 2, 3, 12, 23], 3),
        days: some(weekdays, 5),
        fromMs,
        toMs: fromMs + 6 * dayMs,
      };
    });
    const oracle = spawnSync('python3', [join(import.meta.dirname, 'schedule-oracle.py')], {
      input: asked.map((each) => JSON.stringify(each)).join('\n'),
      maxBuffer: 2 ** 28,
    });
    expect(oracle.status, String(oracle.stderr)).toBe(0);
    const expected = oracle.stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as number[]);

    let [passes, fired] = [0, 0];
    asked.forEach(({ zone, minutes, hours, days, fromMs, toMs }, index) => {
      const rule = `FREQ=WEEKLY;BYDAY=${days.join()};BYHOUR=${hours.join()};BYMINUTE=${minutes.join()}`;
      // It is published a second before its first possible time.
      const publishedMs = fromMs - 1_000;
      const recurrence = recurrenceOf({ rule, zone, startTime: undefined }, publishedMs);
      const times: number[] = [];
      let [doneMs, nowMs] = [publishedMs, publishedMs];
      while (nowMs < toMs - 1) {
        // A pass comes at the next time, or up to some hours later.
        nowMs = Math.min(nowMs + 1 + random(4 * 60) * minuteMs + random(minuteMs), toMs - 1);
        const due = dueTimes(recurrence, { startMs: publishedMs, doneMs, nowMs });
        passes++;
        times.push(...due.times);
        // A killed pass has stored nothing: its times come again.
        if (random(5) === 0) times.length -= due.times.length;
        else doneMs = due.doneMs;
      }
      times.push(...dueTimes(recurrence, { startMs: publishedMs, doneMs, nowMs }).times);
      fired += times.length;
      expect(times, `seed ${seed}: ${rule} in ${zone} from ${new Date(fromMs).toISOString()}`).toEqual(expected[index]);
    });
    printTally('schedule-times', { seed, schedules, passes, fired });
    expect(fired).toBeGreaterThan(0);
  },
);
