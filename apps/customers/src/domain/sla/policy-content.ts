import {
  SlaClock,
  SlaMetric,
  SlaReopening,
  type SlaPolicy,
  type SlaTarget as TargetMessage,
} from '@rapport/contracts/rapport/support/v1/sla_policy';
import { TicketCategory, TicketPriority } from '@rapport/contracts/rapport/support/v1/ticket';
import type { SlaCategory, SlaPriority, SlaTarget } from '@rapport/time';

/** A version of a policy, as it is kept. */
export interface PolicyContent {
  position?: number | undefined;
  filter?: string | undefined;
  targets: readonly SlaTarget[];
}

/** The content of a policy as it is stored now. */
export function policyContent({ position, filter, calendarId, targets }: SlaPolicy): PolicyContent {
  return { position, filter, targets: targets.map((target) => targetOf(target, calendarId)) };
}

/** The calendars that targets refer to. */
export function calendarsOf({ targets }: PolicyContent): string[] {
  return [...new Set(targets.flatMap(({ calendarId }) => calendarId ?? []))];
}

/** The name of a version of a policy in histories. */
export function policyKey(id: string, version: number): string {
  return `slaPolicies/${id}@${version}`;
}

/** The id and the version that a key names. */
export function readKey(key: string): { id: string; version: number } {
  const [, id = '', version = ''] = /^[a-zA-Z]+\/(.+)@(\d+)$/.exec(key) ?? [];
  return { id, version: Number(version) };
}

export function categoryName(category: TicketCategory): SlaCategory {
  return TicketCategory[category] as SlaCategory;
}

export function priorityName(priority: TicketPriority): SlaPriority {
  return TicketPriority[priority || TicketPriority.NORMAL] as SlaPriority;
}

function targetOf(target: TargetMessage, ofPolicy: string): SlaTarget {
  const { metric, priority, withinSeconds, clock, calendarId, pauseIn, countMachine, warnBeforeSeconds } = target;
  return {
    metric: SlaMetric[metric] as SlaTarget['metric'],
    priority: priority === undefined ? undefined : priorityName(priority),
    withinMs: withinSeconds * 1_000,
    calendarId: clock === SlaClock.WALL ? undefined : (calendarId ?? ofPolicy),
    pauseIn: pauseIn.map(categoryName),
    countMachine: countMachine ?? false,
    warnBeforeMs: warnBeforeSeconds.map((seconds) => seconds * 1_000),
    onReopen: target.onReopen === SlaReopening.RESTART ? 'RESTART' : 'CONTINUE',
  };
}
