import { dayAt, startOfDayMs } from '@rapport/contracts/filters';
import { setTimer, type TimerHandler } from '@rapport/persistence';
import { loggedSince } from '../compute-forecast.js';
import { forecastSettings } from '../forecast-settings.js';
import { takeSnapshot } from './take-snapshot.js';

/** Kind of the timers. A workspace with a pipeline has one, which the database sets with the first pipeline. */
export const snapshotKind = 'forecast.snapshot';

/** The principal of nightly snapshots. */
const principalId = 'system:forecasts';

/**
 * Takes the snapshot of the midnight at or before the due time, and sets the timer of the next midnight in the time zone of the workspace.
 * A snapshot that is late has the numbers of its midnight too, which the change log gives. So an outage of several nights leaves no gap.
 */
export const takeNightlySnapshot: TimerHandler = async (
  em,
  { tenantId, kind, recordType, recordId, purpose, dueTime },
) => {
  const { timeZone } = await forecastSettings(em, tenantId, undefined);
  const day = dayAt(dueTime, timeZone);
  const asOf = new Date(startOfDayMs(day, timeZone));
  // The log begins with the database, and a workspace that is younger than midnight has all of its changes in it.
  if ((await loggedSince(em)) <= asOf) await takeSnapshot(em, { tenantId, principalId, asOf, isNightly: true });
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  await setTimer(em, {
    ...{ tenantId, kind, recordType, recordId, purpose },
    dueTime: new Date(startOfDayMs(next, timeZone)),
  });
};
