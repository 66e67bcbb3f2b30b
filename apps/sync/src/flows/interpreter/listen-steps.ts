import { ListenSince, type ListenEvent, type Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { stepLists } from './step-tree.js';

/** An event that a step `listen` waits for. */
export interface ListenInterest {
  stepKey: string;
  event: ListenEvent;
  since: 'RUN_START' | 'STEP_START';
}

/** The events of all steps `listen` of a definition, at all levels. */
export function listenInterests(steps: readonly Step[]): ListenInterest[] {
  return steps.flatMap((step) => [
    ...interestsOf(step),
    ...stepLists(step).flatMap(({ steps: inner }) => listenInterests(inner)),
  ]);
}

/** The events of a step, if it is a `listen`. */
export function interestsOf({ key, listen }: Step): ListenInterest[] {
  if (!listen) return [];
  const since = listen.since === ListenSince.STEP_START ? 'STEP_START' : 'RUN_START';
  return listen.events.map((event) => ({ stepKey: key, event, since }));
}
