import type { TimerHandler } from '@rapport/persistence';

/** What timers do when they fire, by their kind, such as `task.reminder`. */
export const timerHandlers: ReadonlyMap<string, TimerHandler> = new Map();
