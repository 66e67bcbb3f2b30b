import { isTimeZone } from '@rapport/contracts/filters';
import type {
  FlowTrigger,
  RecordTrigger,
  ScheduleTrigger,
  TimeFieldTrigger,
} from '@rapport/contracts/rapport/flows/v1/flow';
import { recurrenceFaults } from '@rapport/time';
import type { Place } from './faults.js';
import { checkedType, checkFieldName, checkTimeField, type CustomFieldsOf } from './record-fields.js';

const kinds = ['record', 'timeField', 'schedule', 'manual', 'subflow', 'segment', 'webhook'] as const;

/** Checks what starts runs, apart from filters, which customers checks. */
export function checkTrigger(place: Place, trigger: FlowTrigger, customFields: CustomFieldsOf): void {
  const [kind, ...others] = place.oneOf(trigger, kinds);
  if (kind === undefined || others.length > 0) return;
  const at = place.at(kind);
  const { record, timeField, schedule, manual, segment } = trigger;
  if (record) checkRecord(at, record, customFields);
  if (timeField) checkTime(at, timeField, customFields);
  if (schedule) checkSchedule(at, schedule);
  if (segment && !segment.joined && !segment.left) at.add('REQUIRED', 'must have joined or left');
  if (manual?.type !== undefined) checkedType(at.at('type'), manual.type, 'READ');
  const inputs = (manual ?? trigger.subflow)?.inputs ?? [];
  at.unique(inputs, 'inputs');
}

function checkRecord(place: Place, { type, changedFields }: RecordTrigger, customFields: CustomFieldsOf): void {
  const contract = checkedType(place.at('type'), type, 'READ');
  if (!contract) return;
  for (const [index, name] of changedFields.entries()) {
    checkFieldName(place.at('changedFields', index), name, contract, customFields(type));
  }
}

function checkTime(place: Place, { type, field }: TimeFieldTrigger, customFields: CustomFieldsOf): void {
  const contract = checkedType(place.at('type'), type, 'READ');
  if (contract) checkTimeField(place.at('field'), field, contract, customFields(type));
}

/** The first time does not matter for whether a rule is valid, apart from its zone. */
function checkSchedule(place: Place, { rule, zone }: ScheduleTrigger): void {
  if (!isTimeZone(zone)) return place.at('zone').add('TIME_ZONE_UNKNOWN', `${zone} is no time zone`);
  const faults = recurrenceFaults({ rrule: rule, dtstart: '2026-01-01T00:00:00', zone });
  const [fault] = faults.filter(({ field }) => field === 'rrule');
  if (fault) place.at('rule').add(fault.reason, fault.message);
}
