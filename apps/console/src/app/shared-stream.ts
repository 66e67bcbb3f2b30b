interface Shared<News> {
  /** Reads the stream until the signal aborts it. */
  read: (send: (news: News) => void, signal: AbortSignal) => Promise<void>;
  receive: (news: News) => void;
  /** What a tab that was just opened has to know. */
  latest: () => News;
}

/**
 * Follows a stream of the API. One tab of the browser has the stream, and the others get its news from it; when that tab is closed
 * another one takes over.
 *
 * @param name of the stream in this browser
 * @returns what ends it
 */
export function followShared<News extends object>(name: string, { read, receive, latest }: Shared<News>): () => void {
  const end = new AbortController();
  const channel = new BroadcastChannel(name);
  let hasStream = false;
  channel.onmessage = ({ data }: MessageEvent<News | { asks: true }>) => {
    if (!('asks' in data)) receive(data);
    else if (hasStream) channel.postMessage(latest());
  };
  const send = (news: News) => {
    channel.postMessage(news);
    receive(news);
  };
  navigator.locks
    .request(name, { signal: end.signal }, () => {
      hasStream = true;
      return read(send, end.signal);
    })
    .catch((error: unknown) => {
      if (!end.signal.aborted) throw error;
    })
    .finally(() => channel.close());
  channel.postMessage({ asks: true });
  return () => end.abort();
}
