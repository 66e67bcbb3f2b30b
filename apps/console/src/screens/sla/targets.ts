import { itemsAt, textAt, type Json } from '../../contract/json.ts';

/** Rules that all targets of a metric share: what is not the time itself, and not whom it is for. */
export const sharedRules = ['clock', 'calendarId', 'pauseIn', 'countMachine', 'warnBeforeSeconds', 'onReopen'] as const;

/** The priority of targets that are for every priority without a target of its own. */
export const anyPriority = '';

export function targetsOf(policy: Json, metric: string): Json[] {
  return itemsAt(policy, 'targets').filter((target) => target.metric === metric);
}

/** Seconds of a cell of the table; undefined for an empty one. */
export function secondsAt(policy: Json, metric: string, priority: string): number | undefined {
  const found = targetsOf(policy, metric).find((target) => textAt(target, 'priority') === priority);
  return found && Number(textAt(found, 'withinSeconds'));
}

/** The targets with another time in a cell, or without one. A new target has the rules of the others of its metric. */
export function withSeconds(policy: Json, metric: string, priority: string, seconds: number | undefined): Json[] {
  const targets = itemsAt(policy, 'targets');
  const isCell = (target: Json) => target.metric === metric && textAt(target, 'priority') === priority;
  if (seconds === undefined) return targets.filter((target) => !isCell(target));
  if (targets.some(isCell))
    return targets.map((target) => (isCell(target) ? { ...target, withinSeconds: seconds } : target));
  const made = {
    ...rulesOf(policy, metric),
    ...(priority !== anyPriority && { priority }),
    ...{ metric, withinSeconds: seconds },
  };
  return [...targets, made];
}

/** The rules of the targets of a metric, as the first of them has them. */
export function rulesOf(policy: Json, metric: string): Json {
  const [first] = targetsOf(policy, metric);
  return Object.fromEntries(
    sharedRules.filter((name) => first?.[name] !== undefined).map((name) => [name, first?.[name]]),
  );
}

/** The targets with other rules of a metric. */
export function withRules(policy: Json, metric: string, rules: Json): Json[] {
  return itemsAt(policy, 'targets').map((target) => {
    if (target.metric !== metric) return target;
    const own = Object.entries(target).filter(([name]) => !sharedRules.some((rule) => rule === name));
    const set = Object.entries(rules).filter(([, value]) => value !== null && value !== undefined);
    return Object.fromEntries([...own, ...set]);
  });
}
