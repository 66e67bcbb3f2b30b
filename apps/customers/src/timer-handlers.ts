import { MikroORM } from '@mikro-orm/postgresql';
import type { FactoryProvider } from '@nestjs/common';
import { TimerWorker, type TimerHandler } from '@rapport/persistence';
import { snapshotKind, takeNightlySnapshot } from './domain/forecasts/snapshots/nightly-snapshot.js';
import { surveyKind } from './domain/surveys/schedule-survey.js';
import { surveySender, type SurveySending } from './domain/surveys/send-survey.js';
import { dueKind, notifyOfDueTask } from './domain/work/task-notices.js';
import { digestKind, queueDigest } from './domain/notifications/daily-digest.js';
import { expireQuote, expiryKind } from './domain/quotes/expire-quote.js';
import { calendarChangedKind } from './domain/calendars/calendars.js';
import { momentKind } from './domain/sla/count-event.js';
import { fireMoment } from './domain/sla/fire-moment.js';
import { recountByCalendar, recountByPolicy } from './domain/sla/recount-tickets.js';
import { policyActivatedKind } from './domain/sla/sla-policies.js';
import { optInKind } from './domain/topics/double-opt-in.js';
import { conversionsKind, prepareKind, startKind, watchKind } from './domain/campaigns/campaign-jobs.js';
import { campaignPreparer } from './domain/campaigns/prepare-campaign.js';
import { startScheduled } from './domain/campaigns/start-campaign.js';
import { noteConversions } from './domain/campaigns/note-conversions.js';
import { cancelKind, cancelRecipients } from './domain/campaigns/steer-campaign.js';
import { watchCampaign } from './domain/campaigns/watch-campaign.js';
import { expireOptIn } from './domain/topics/end-opt-in.js';
import { settleVisits, visitsKind } from './domain/tracking/settle-visits.js';
import { reminderKind, remindOfTask } from './domain/work/task-reminders.js';

/** What timers do when they fire, by their kind, such as `task.reminder`. */
const timerHandlers: ReadonlyMap<string, TimerHandler> = new Map([
  [reminderKind, remindOfTask],
  [dueKind, notifyOfDueTask],
  [snapshotKind, takeNightlySnapshot],
  [expiryKind, expireQuote],
  [momentKind, fireMoment],
  [calendarChangedKind, recountByCalendar],
  [policyActivatedKind, recountByPolicy],
  [optInKind, expireOptIn],
  [startKind, startScheduled],
  [watchKind, watchCampaign],
  [cancelKind, cancelRecipients],
  [conversionsKind, noteConversions],
  [visitsKind, settleVisits],
  [digestKind, queueDigest],
]);

/** @param allowsClockShift in tests only */
export function timerWorker(sending: SurveySending, allowsClockShift: boolean): FactoryProvider {
  const handlers = new Map([
    ...timerHandlers,
    [surveyKind, surveySender(sending)],
    [prepareKind, campaignPreparer(sending)],
  ]);
  return {
    provide: TimerWorker,
    useFactory: (orm: MikroORM) => new TimerWorker(orm, handlers, { allowsClockShift }),
    inject: [MikroORM],
  };
}
