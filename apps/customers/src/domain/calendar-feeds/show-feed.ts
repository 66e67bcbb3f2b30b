import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { MeetingOutcome, type Meeting } from '@rapport/contracts/rapport/work/v1/meeting';
import type { Task } from '@rapport/contracts/rapport/work/v1/task';
import { etagVersion, readForTenant, type PageTokenKey } from '@rapport/persistence';
import { inactiveAmong, type InactiveUser } from '../../engine/assignment/inactive-users.js';
import type { RecordMessage } from '../../engine/fields/record-definition.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { listRecords } from '../../engine/query/list-records.js';
import { pageNotFound, throughLink, type LinkParts } from '../links/public-links.js';
import { meetings } from '../work/meetings.js';
import { tasks } from '../work/tasks.js';
import { writeCalendar, type CalendarEvent } from './write-calendar.js';

const dayMs = 86_400_000;
/** Days before now and after it that a feed has. */
const span = { before: 30, after: 365 };
const pageSize = 200;
/** Most pages of a list that a feed reads. */
const maxPages = 3;

/** Handles ShowCalendarFeed. */
export function showFeed(parts: LinkParts & { key: PageTokenKey }, token: string): Promise<HttpBody> {
  return throughLink(parts, 'CALENDAR', token, async ({ tenantId, recordId: ownerId }) => {
    const inactive = await readForTenant<InactiveUser>(parts.em, inactiveAmong(tenantId, [ownerId]));
    if (inactive.length > 0) throw pageNotFound();
    const events = await eventsOf(parts.em, parts.key, ownerId);
    const data = Buffer.from(writeCalendar('Rapport', events));
    return { contentType: 'text/calendar; charset=utf-8', data, extensions: [] };
  });
}

async function eventsOf(em: EntityManager, key: PageTokenKey, ownerId: string): Promise<CalendarEvent[]> {
  const now = Date.now();
  const [from, until] = [now - span.before * dayMs, now + span.after * dayMs].map((ms) => new Date(ms).toISOString());
  const within = (field: string, form = (time: string) => time) =>
    `ownerId = "${ownerId}" AND ${field} >= "${form(from ?? '')}" AND ${field} < "${form(until ?? '')}"`;
  const toDay = (time: string) => time.slice(0, 10);
  const open = await allOf(em, key, tasks, `${within('deadline')} AND NOT completeTime:*`, 'deadline');
  const timed = await allOf(em, key, meetings, within('startTime'), 'startTime');
  const onDays = await allOf(em, key, meetings, within('startDate', toDay), 'startDate');
  return [...open.flatMap(taskEvent), ...[...timed, ...onDays].flatMap(meetingEvent)];
}

/** The records that match a filter, in an order that a column has. */
async function allOf<Message extends RecordMessage>(
  em: EntityManager,
  key: PageTokenKey,
  type: RecordType<Message>,
  filter: string,
  orderBy: string,
): Promise<Message[]> {
  const all: Message[] = [];
  let pageToken: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const request = { filter, orderBy, pageSize, pageToken, total: 0 };
    const { records, nextPageToken } = await listRecords(em, type, key, request);
    all.push(...records);
    pageToken = nextPageToken;
    if (pageToken === undefined) break;
  }
  return all;
}

function taskEvent(task: Task): CalendarEvent[] {
  const start = task.dueTime ?? task.dueDate;
  if (start === undefined) return [];
  return [{ ...common(task), start, isFree: true }];
}

function meetingEvent(meeting: Meeting): CalendarEvent[] {
  const { allDay, startTime, startDate, endTime, endDate, location, joinUrl, outcome } = meeting;
  const [start, end] = allDay === true ? [startDate, endDate] : [startTime, endTime];
  if (start === undefined) return [];
  const isCancelled = outcome === MeetingOutcome.CANCELLED;
  return [{ ...common(meeting), start, end, location, url: joinUrl, isCancelled, isFree: allDay === true }];
}

function common({ id, etag, subject, description, updateTime }: Task | Meeting) {
  const sequence = etagVersion(etag) - 1;
  return { uid: `${id}@rapport`, sequence, changeTime: updateTime ?? '', summary: subject, description };
}
