import { LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import type { FieldViolation } from '@rapport/platform';

const { UNSPECIFIED, SUBSCRIBER, LEAD, QUALIFIED, OPPORTUNITY, CUSTOMER, FORMER_CUSTOMER } = LifecycleStage;

const stages = [SUBSCRIBER, LEAD, QUALIFIED, OPPORTUNITY, CUSTOMER, FORMER_CUSTOMER];

/** The next stages of each, besides itself and none: a stage can always be cleared, and then set to any. */
const followers: ReadonlyMap<LifecycleStage, readonly LifecycleStage[]> = new Map([
  [UNSPECIFIED, stages],
  [SUBSCRIBER, [LEAD, QUALIFIED, OPPORTUNITY, CUSTOMER]],
  [LEAD, [QUALIFIED, OPPORTUNITY, CUSTOMER]],
  [QUALIFIED, [OPPORTUNITY, CUSTOMER]],
  [OPPORTUNITY, [CUSTOMER]],
  [CUSTOMER, [FORMER_CUSTOMER]],
  [FORMER_CUSTOMER, [OPPORTUNITY, CUSTOMER]],
]);

/**
 * The violation of a change of stage, by the rules of the contract's enum LifecycleStage. The path starts within a
 * customer.
 */
export function lifecycleViolation(before: LifecycleStage, after: LifecycleStage): FieldViolation | undefined {
  const following = followers.get(before) ?? [];
  if (after === before || after === UNSPECIFIED || following.includes(after)) return undefined;
  const names = following.map((stage) => LifecycleStage[stage]).join(', ');
  const description = `can not be ${LifecycleStage[after]}: ${LifecycleStage[before]} is followed by ${names}, or by any stage once it is cleared.`;
  return { field: 'lifecycleStage', reason: 'LIFECYCLE_TRANSITION', description };
}
