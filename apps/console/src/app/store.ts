import { useSyncExternalStore } from 'react';

/**
 * A value outside of the screens, which they follow.
 *
 * @param begin called once a screen shows it; returns what ends it, called once none does
 */
export function storeOf<State>(first: State, begin?: () => () => void) {
  let state = first;
  let end: (() => void) | undefined;
  const listeners = new Set<() => void>();
  const subscribe = (listener: () => void) => {
    if (listeners.size === 0) end = begin?.();
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) end?.();
    };
  };
  return {
    get: () => state,
    set: (next: State) => {
      state = next;
      for (const listener of listeners) listener();
    },
    useValue: () => useSyncExternalStore(subscribe, () => state),
  };
}
