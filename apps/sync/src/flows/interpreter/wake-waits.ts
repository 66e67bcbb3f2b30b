import type { JsonObject } from '../effects/effect-port.js';
import type { StoredEvent } from './interpret.js';
import type { Token } from './run-state.js';
import type { Stepping } from './stepping.js';

/** Ends the waits of steps that events are for: each takes the first one. An event counts even if the time is past too. */
export function takeEvents(stepper: Stepping, events: readonly StoredEvent[]): void {
  const taken = new Set(stepper.taken);
  for (const event of events) {
    if (taken.has(event.number)) continue;
    const token = stepper.state.tokens.find((each) => isFor(stepper, each, event));
    if (!token) continue;
    stepper.taken.push(event.number);
    taken.add(event.number);
    if (token.phase === 'CHILD') childEnded(stepper, token, event.data);
    else if (token.phase === 'APPROVE') stepper.complete(token, event.data);
    else stepper.complete(token, { event: event.eventKey, time: event.time, data: event.data });
  }
}

function isFor(stepper: Stepping, { path, phase }: Token, { target }: StoredEvent): boolean {
  if (phase === 'LISTEN') return stepper.stepAt(path).key === target;
  return (phase === 'APPROVE' || phase === 'CHILD') && path === target;
}

function childEnded(stepper: Stepping, token: Token, data: JsonObject): void {
  const { runId, state } = data as { runId: string; state: string };
  if (state === 'SUCCEEDED') return stepper.complete(token, data);
  const message = `The run ${runId} has ended: ${state}.`;
  stepper.fail(token, { code: 'RUN_FAILED', message });
}

/** Ends the waits whose time has come, and makes attempts due. */
export function wakeDue(stepper: Stepping): void {
  for (const token of [...stepper.state.tokens]) {
    if (token.wake === undefined || Date.parse(token.wake) > stepper.now.getTime()) continue;
    if (!stepper.state.tokens.includes(token)) continue;
    wakeOne(stepper, token);
  }
}

function wakeOne(stepper: Stepping, token: Token): void {
  switch (token.phase) {
    case 'RETRY':
      token.phase = 'READY';
      delete token.wake;
      return;
    case 'WAIT':
      return stepper.complete(token, { time: token.wake ?? '' });
    case 'APPROVE':
      return stepper.complete(token, { decision: 'TIMED_OUT' });
    case 'LISTEN':
      if (!stepper.stepAt(token.path).listen?.failsOnTimeout) return stepper.complete(token, { event: 'timeout' });
      return stepper.fail(token, { code: 'LISTEN_TIMEOUT', message: 'No event came in time.' });
    default:
  }
}
