import { useEffect, useEffectEvent } from 'react';
import { follow, invalidate, Problem } from '../contract/api.ts';
import { theContract, type Resource } from '../contract/contract.ts';
import { followShared } from './shared-stream.ts';
import { storeOf } from './store.ts';

/** A change of a record of the workspace. */
interface LiveChange {
  /** UUID of the change. */
  id: string;
  /** Such as `customer` or `stage_entry`. */
  type: string;
  recordId: string;
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE' | 'MERGE' | 'GAP';
  /** Such as `user:019a…`. */
  actor: string;
  origin: string;
  time: string;
  changedFields: string[];
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
}

export type LiveState = 'connecting' | 'live' | 'lost';

interface Frame {
  change?: LiveChange;
  cursor: string;
}

/** `hasGap`: changes before the opening of the stream may be unknown. */
type News = { change: LiveChange } | { state: LiveState; hasGap?: boolean };

const listeners = new Set<(change: LiveChange) => void>();
const state = storeOf<LiveState>('connecting');

/**
 * Follows the changes of the workspace. Reads of a changed collection are asked again.
 *
 * @returns what ends it
 */
export function followChanges(): () => void {
  return followShared<News>('rapport-changes', { read: readStream, receive, latest: () => ({ state: state.get() }) });
}

/** Calls back for each change, as long as the component is shown. */
export function useLiveChanges(onChange: (change: LiveChange) => void): void {
  const receiveChange = useEffectEvent(onChange);
  useEffect(() => {
    const listener = (change: LiveChange) => receiveChange(change);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
}

export const useLiveState = state.useValue;

/** Reads the stream until it is ended, and continues after the last change where it breaks. */
function readStream(send: (message: News) => void, signal: AbortSignal): Promise<void> {
  let cursor: string | undefined;
  let isOpen = false;
  const onFrame = (frame: Frame) => {
    if (!isOpen) send({ state: 'live', hasGap: cursor === undefined });
    isOpen = true;
    ({ cursor } = frame);
    if (frame.change) send({ change: frame.change });
  };
  const goesOn = (problem: unknown) => {
    const status = problem instanceof Problem ? problem.status : 0;
    const isRefused = status === 401 || status === 403;
    // Without the right to read changes, or signed out: the screens say so themselves. A stream that was open ends when its session was
    // idle as far as the stream knows, while other requests may have renewed it.
    if (isRefused && !isOpen) return false;
    // What the cursor stood for is gone: from the end of the log.
    if (status >= 400 && status < 500 && !isRefused) cursor = undefined;
    if (problem !== undefined) send({ state: 'lost' });
    isOpen = false;
    return true;
  };
  return follow<Frame>('watchChanges', () => ({ cursor }), signal, onFrame, goesOn);
}

function receive(message: News): void {
  if ('state' in message) {
    state.set(message.state);
    if (message.hasGap) for (const { name } of [...records(), objects]) scheduleInvalidate(name);
    return;
  }
  const { change } = message;
  const type = change.type.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const changed = records().filter(({ singular }) => singular === type);
  for (const { name } of changed.length > 0 ? changed : [objects]) scheduleInvalidate(name);
  for (const listener of listeners) listener(change);
}

/** The collection of records whose type a workspace defines. */
const objects = { name: 'objects' };

function records(): Resource[] {
  return theContract().resources.filter(({ isRecord }) => isRecord);
}

const waiting = new Set<string>();

/** Asks the reads of a collection again, at most once in 300 ms: an import makes thousands of changes a second. */
export function scheduleInvalidate(name: string): void {
  if (waiting.has(name)) return;
  waiting.add(name);
  setTimeout(() => {
    waiting.delete(name);
    void invalidate(name);
  }, 300);
}
