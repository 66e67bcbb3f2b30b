import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { MeetingOutcome, type Meeting } from '@rapport/contracts/rapport/work/v1/meeting';
import type { Task } from '@rapport/contracts/rapport/work/v1/task';
import { etagVersion, type PageTokenKey } from '@rapport/persistence';
import { allows, AppError } from '@rapport/platform';
import type { RecordMessage } from '../../engine/fields/record-definition.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { permissionOf } from '../../engine/fields/record-names.js';
import { listRecords } from '../../engine/query/list-records.js';
import { rightsOf } from '../../engine/records/scope/known-owners.js';
import { pageNotFound, throughLink, type LinkParts } from '../links/public-links.js';
import { meetings } from '../work/meetings.js';
import { tasks } from '../work/tasks.js';
import { writeCalendar, type CalendarEvent } from './write-calendar.js';

const dayMs = 86_400_000;
/** Days before now and after it that a feed has. */
const span = { before: 30, after: 365 };
const pageSize = 200;
/** Most records of a list that a feed has. */
const maxRecords = 600;

/** The permissions that the owner of a feed needs. */
const neededForFeeds = [permissionOf(meetings, 'read'), permissionOf(tasks, 'read')];

/** Handles ShowCalendarFeed. */
export function showFeed(parts: LinkParts & { key: PageTokenKey }, token: string): Promise<HttpBody> {
  return throughLink(parts, 'CALENDAR', token, async ({ recordId: ownerId, createdBy }) => {
    if (!(await mayStillRead(createdBy))) throw pageNotFound();
    const events = await eventsOf(parts.em, parts.key, ownerId);
    const data = Buffer.from(writeCalendar('Rapport', events));
    return { contentType: 'text/calendar; charset=utf-8', data, extensions: [] };
  });
}

/** Whether the owner of a feed could create it now. @throws AppError UNAVAILABLE while auth does not answer */
async function mayStillRead(principalId: string): Promise<boolean> {
  try {
    const rights = await rightsOf(principalId);
    return !rights || (!rights.hidesPii && neededForFeeds.every((needed) => allows(rights.permissions, needed)));
  } catch (error) {
    if (error instanceof AppError && error.reason === 'PRINCIPAL_ENDED') return false;
    throw error;
  }
}

async function eventsOf(em: EntityManager, key: PageTokenKey, ownerId: string): Promise<CalendarEvent[]> {
  const near = <Message extends RecordMessage>(type: RecordType<Message>, field: string, isDay = false, more = '') =>
    nearest(em, key, type, { field, isDay, condition: `ownerId = "${ownerId}"${more}` });
  const open = await near(tasks, 'deadline', false, ' AND NOT completeTime:*');
  const timed = await near(meetings, 'startTime');
  const onDays = await near(meetings, 'startDate', true);
  return [...open.flatMap(taskEvent), ...[...timed, ...onDays].flatMap(meetingEvent)];
}

/** The records of the span that are nearest to now: those ahead first, and then as many of the past as there is room for. */
async function nearest<Message extends RecordMessage>(
  em: EntityManager,
  key: PageTokenKey,
  type: RecordType<Message>,
  { field, isDay, condition }: { field: string; isDay: boolean; condition: string },
): Promise<Message[]> {
  const now = Date.now();
  const inDays = (days: number) => new Date(now + days * dayMs).toISOString().slice(0, isDay ? 10 : undefined);
  const within = (from: number, until: number) =>
    `${condition} AND ${field} >= "${inDays(from)}" AND ${field} < "${inDays(until)}"`;
  // A day earlier: what is today in any time zone is ahead.
  const today = -1;
  const ahead = await firstOf(em, key, type, { filter: within(today, span.after), orderBy: field }, maxRecords);
  const past = { filter: within(-span.before, today), orderBy: `${field} desc` };
  return [...ahead, ...(await firstOf(em, key, type, past, maxRecords - ahead.length))];
}

/** The first records of a list. */
async function firstOf<Message extends RecordMessage>(
  em: EntityManager,
  key: PageTokenKey,
  type: RecordType<Message>,
  list: { filter: string; orderBy: string },
  most: number,
): Promise<Message[]> {
  const all: Message[] = [];
  let pageToken: string | undefined;
  while (all.length < most) {
    const request = { ...list, pageSize: Math.min(pageSize, most - all.length), pageToken, total: 0 };
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
