import { isDone } from './sla-policy.js';
import type { SlaAnswers, SlaChange, SlaState } from './sla-state.js';

const nothingOwed: SlaAnswers = { hasResponded: false };

/** The state of a ticket that begins. */
export function createdState({ category, priority, by }: SlaChange & { kind: 'CREATED' }, timeMs: number): SlaState {
  const answers = by === 'CUSTOMER' ? { ...nothingOwed, awaitedMs: timeMs } : nothingOwed;
  return {
    ...{ settledMs: timeMs, createdMs: timeMs, category, priority, calendars: {} },
    ...{ history: [[timeMs, category]], human: answers, any: answers, timers: [] },
  };
}

/** What the state knows of a ticket after a change, without its timers. */
export function withFacts(state: SlaState, change: SlaChange, timeMs: number): SlaState {
  switch (change.kind) {
    case 'STATUS':
      return withCategory(state, change.category, timeMs);
    case 'PRIORITY':
      return { ...state, priority: change.priority };
    case 'POLICY':
      return { ...state, policy: change.policy };
    case 'CALENDARS':
      return { ...state, calendars: { ...state.calendars, ...change.calendars } };
    case 'CUSTOMER_MESSAGE':
      return { ...state, human: asked(state.human, timeMs), any: asked(state.any, timeMs) };
    case 'PUBLIC_REPLY':
      return {
        ...state,
        human: change.by === 'HUMAN' ? answered(state.human, timeMs) : state.human,
        any: answered(state.any, timeMs),
      };
    default:
      throw new Error(`A ticket cannot change by ${change.kind} now.`);
  }
}

function withCategory(state: SlaState, category: SlaState['category'], timeMs: number): SlaState {
  if (category === state.category) return state;
  const next = { ...state, category, history: [...state.history, [timeMs, category] as const] };
  if (isDone(category) === isDone(state.category)) return next;
  if (!isDone(category)) return { ...next, reopenedMs: timeMs };
  return { ...next, human: settledAnswers(state.human), any: settledAnswers(state.any) };
}

/** Before the first response, messages of the customer wait for that one. */
function asked(answers: SlaAnswers, timeMs: number): SlaAnswers {
  if (answers.hasResponded) return { ...answers, unansweredMs: answers.unansweredMs ?? timeMs };
  return { ...answers, awaitedMs: answers.awaitedMs ?? timeMs };
}

/** A message of an agent to a customer who has not written yet responds to nothing. */
function answered(answers: SlaAnswers, timeMs: number): SlaAnswers {
  const hasResponded = answers.hasResponded || answers.awaitedMs !== undefined;
  return { ...answers, hasResponded, unansweredMs: undefined, updatedMs: timeMs };
}

/** After a solution nothing is owed, except the first response if the ticket is reopened. */
function settledAnswers(answers: SlaAnswers): SlaAnswers {
  return { ...answers, unansweredMs: undefined, updatedMs: undefined };
}
