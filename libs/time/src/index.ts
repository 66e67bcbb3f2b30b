export { businessDuration, dueAt, isBusinessTime } from './calendars/business-time.js';
export { calendarFaults, calendarLimits } from './calendars/calendar-faults.js';
export type { CalendarException, CalendarRule, DailyWindow, Weekday, WeeklyWindow } from './calendars/calendar-rule.js';
export { CompiledCalendar, type YearRange } from './calendars/compiled-calendar.js';
export { holidayLimits, readHolidays, type Holiday, type SkippedEvent } from './calendars/holidays.js';
export { windowsOfDate, type DateWindow } from './calendars/windows-of-date.js';
export type { Fault } from './fault.js';
export { expand, followingOccurrence, nextOccurrence, type Completion } from './recurrences/occurrences.js';
export { recurrenceLimits, type MissedMode, type Recurrence, type RecurrenceMode } from './recurrences/recurrence.js';
export { recurrenceFaults } from './recurrences/recurrence-faults.js';
export { isZone, tzdataVersion, zoneClock } from './zone-clock.js';
export { advance, compacted, nextMomentMs, settle } from './sla/advance.js';
export { slaMetrics } from './sla/sla-policy.js';
export type {
  SlaCategory,
  SlaDefinitions,
  SlaMetric,
  SlaPolicyVersion,
  SlaPriority,
  SlaTarget,
} from './sla/sla-policy.js';
export type { SlaChange, SlaEnd, SlaEvent, SlaSegment, SlaState, SlaTimerState } from './sla/sla-state.js';
