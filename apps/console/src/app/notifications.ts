import { follow, invalidate, Problem } from '../contract/api.ts';
import { followShared } from './shared-stream.ts';
import { storeOf } from './store.ts';

interface Count {
  unread: number;
  newestPosition: number;
}

interface Frame {
  count: Partial<Count>;
  cursor: string;
}

const count = storeOf<Count>({ unread: 0, newestPosition: 0 });

/** Follows the notifications of who is signed in. @returns what ends it */
export function followNotifications(): () => void {
  return followShared<Count>('rapport-notifications', { read: readStream, receive, latest: count.get });
}

/** The unread notifications; 100 stands for more. */
export const useNotificationCount = count.useValue;

function readStream(send: (news: Count) => void, signal: AbortSignal): Promise<void> {
  let cursor: string | undefined;
  const onFrame = (frame: Frame) => {
    ({ cursor } = frame);
    // JSON leaves out what is 0.
    send({ unread: 0, newestPosition: 0, ...frame.count });
  };
  // Without the right to read them, or signed out: the screens say so themselves. A place of the tenant may become free.
  const goesOn = (problem: unknown) => !(problem instanceof Problem && [401, 403].includes(problem.status));
  return follow<Frame>('watchNotifications', () => ({ cursor }), signal, onFrame, goesOn);
}

function receive(news: Count): void {
  count.set(news);
  void invalidate('notifications');
}
