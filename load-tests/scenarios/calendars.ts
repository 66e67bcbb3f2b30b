import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api } from './api.ts';
import type { Scenario } from './scenario.ts';

/** Think time after an answer, in seconds. */
const lookSeconds = 1;
const yearMs = 366 * 86_400_000;
const weekMs = 7 * 86_400_000;

/** A program that asks when work is due, and how long it took, in the business hours of a calendar of its own. */
export function calendars(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['FindDueTime', 'MeasureBusinessTime'],
    setup: () => newCalendar(api),
    run(id) {
      // The windows of a year are compiled when the year is first asked about.
      const fromMs = Date.UTC(2026, 0) + Math.random() * yearMs;
      const [fromTime, toTime] = [fromMs, fromMs + weekMs].map((atMs) => new Date(atMs).toISOString());
      const path = `/v1/calendars/${id as string}`;
      const wait = { fromTime, durationSeconds: 8 * 3_600 };
      const due = api.send<{ dueTime: string }>('POST', 'FindDueTime', `${path}:due`, wait);
      check(due.body, { 'work is due later': (answer) => Date.parse(answer?.dueTime ?? '') > fromMs });
      sleep(lookSeconds);
      const span = { fromTime, toTime };
      const measured = api.send<{ durationSeconds: number }>('POST', 'MeasureBusinessTime', `${path}:measure`, span);
      check(measured.body, { 'a week has 40 business hours': (answer) => answer?.durationSeconds === 40 * 3_600 });
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when no calendar can be created */
function newCalendar(api: Api): string {
  const days = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'];
  const weekly = days.flatMap((day) => [
    { day, opens: '09:00', closes: '12:00' },
    { day, opens: '13:00', closes: '18:00' },
  ]);
  const calendar = { name: 'Load', timeZone: 'UTC', weekly };
  const { status, body } = api.send<{ id: string }>('POST', 'CreateCalendar', '/v1/calendars', calendar);
  if (!body) throw new Error(`No calendar could be created (${status}).`);
  return body.id;
}
