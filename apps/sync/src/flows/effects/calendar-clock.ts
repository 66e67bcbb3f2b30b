import { BusinessTimeServiceService } from '@rapport/contracts/rapport/work/v1/business_time_service';
import type { BusinessClock, BusinessTime } from '../worker/engine-parts.js';
import { effectError, type RecordCalls } from './record-calls.js';
import { jsonMethod } from './record-methods.js';
import { textIn } from './record-values.js';

const findDueTime = jsonMethod(BusinessTimeServiceService.findDueTime.path);

/** Ends of business time by the calendars of tenants. */
export class CalendarClock implements BusinessClock {
  constructor(private readonly calls: RecordCalls) {}

  async due(question: BusinessTime, signal: AbortSignal): Promise<string> {
    const { tenantId, principalId, calendarId, seconds, from } = question;
    const wait = { fromTime: from, durationSeconds: seconds };
    const acting = { tenantId, principalId, runId: '', hop: 0 };
    try {
      return textIn(await this.calls.ask(findDueTime, { id: calendarId, wait }, acting, signal), 'dueTime');
    } catch (error) {
      throw effectError(error);
    }
  }
}
