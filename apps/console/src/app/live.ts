import { useEffect, useEffectEvent, useSyncExternalStore } from 'react';
import { invalidate, Problem, stream } from '../contract/api.ts';
import { theContract } from '../contract/contract.ts';

/** A change of a record of the workspace. */
export interface LiveChange {
  /** UUID of the change. */
  id: string;
  /** Such as `customer`. */
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

type News = { change: LiveChange } | { state: LiveState };

/** Between tabs: one that was just opened asks for the state. */
type Message = News | { asks: true };

const listeners = new Set<(change: LiveChange) => void>();
const stateListeners = new Set<() => void>();
let state: LiveState = 'connecting';

/**
 * Follows the changes of the workspace. One tab of the browser has the stream, and the others get its changes from it; when that tab is
 * closed another one takes over. Reads of a changed collection are asked again.
 *
 * @returns what ends it
 */
export function followChanges(): () => void {
  const end = new AbortController();
  const channel = new BroadcastChannel('rapport-changes');
  let hasStream = false;
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (!('asks' in data)) receive(data);
    else if (hasStream) channel.postMessage({ state } satisfies Message);
  };
  const send = (message: News) => {
    channel.postMessage(message);
    receive(message);
  };
  navigator.locks
    .request('rapport-changes', { signal: end.signal }, () => {
      hasStream = true;
      return readStream(send, end.signal);
    })
    .catch((error: unknown) => {
      if (!end.signal.aborted) throw error;
    })
    .finally(() => channel.close());
  channel.postMessage({ asks: true } satisfies Message);
  return () => end.abort();
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

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      stateListeners.add(listener);
      return () => stateListeners.delete(listener);
    },
    () => state,
  );
}

/** Reads the stream until it is ended, and continues after the last change where it breaks. */
async function readStream(send: (message: News) => void, signal: AbortSignal): Promise<void> {
  let cursor: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let isOpen = false;
    try {
      for await (const frame of stream<Frame>('watchChanges', cursor === undefined ? {} : { cursor }, signal)) {
        if (failures > 0 || cursor === undefined) send({ state: 'live' });
        failures = 0;
        isOpen = true;
        ({ cursor } = frame);
        if (frame.change) send({ change: frame.change });
      }
    } catch (error) {
      if (signal.aborted) return;
      const status = error instanceof Problem ? error.status : 0;
      const isRefused = status === 401 || status === 403;
      // Without the right to read changes, or signed out: the screens say so themselves. A stream that was open ends when its session was
      // idle as far as the stream knows, while other requests may have renewed it.
      if (isRefused && !isOpen) return;
      if (meansLostCursor(status)) cursor = undefined;
      send({ state: 'lost' });
    }
    failures += 1;
    await delay(Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2), signal);
  }
}

/** What the cursor stood for is gone, or the answer was broken off: from the end of the log. @param status of a problem, or 0 */
function meansLostCursor(status: number): boolean {
  return status >= 400 && status < 500 && status !== 401 && status !== 403;
}

function receive(message: News): void {
  if ('state' in message) {
    ({ state } = message);
    for (const listener of stateListeners) listener();
    return;
  }
  const { change } = message;
  const names = theContract().resources.filter(({ singular, isRecord }) => isRecord && singular === change.type);
  for (const name of names.length > 0 ? names.map((each) => each.name) : ['objects']) scheduleInvalidate(name);
  for (const listener of listeners) listener(change);
}

const waiting = new Set<string>();

/** At most once in 300 ms for each collection: an import makes thousands of changes a second. */
function scheduleInvalidate(name: string): void {
  const [collection = name] = name.split('/');
  if (waiting.has(collection)) return;
  waiting.add(collection);
  setTimeout(() => {
    waiting.delete(collection);
    void invalidate(collection);
  }, 300);
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
