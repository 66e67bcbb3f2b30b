import { status, type Client } from '@grpc/grpc-js';
import { metrics } from '@rapport/platform';
import { Gauge } from 'prom-client';
import { CallStream } from './call-stream.js';
import { replicaAddresses } from './replica-addresses.js';

/** Shortest and longest backoff after a stream could not be opened, in milliseconds. */
const againMs = { shortest: 100, longest: 500 };
/** How long a replica that refuses streams, such as one of the previous release, is skipped, in milliseconds. */
const refusedMs = 10_000;

const openStreams = new Gauge({
  name: 'rapport_call_streams',
  help: 'Open call streams of this process: one to each replica of a service, for each class of traffic.',
  registers: [metrics],
});

/** The call streams to the replicas of one service: one to each address of its name. Without calls there are none. */
export class ReplicaStreams {
  readonly #streams = new Map<CallStream, string>();
  /** When missing streams may be opened, in milliseconds since the epoch. */
  #lookAt = 0;
  #isLooking = false;
  #isClosed = false;

  /**
   * @param target `host:port` or `dns:///host:port`, which are equivalent
   * @param openChannel makes a separate connection to an address
   */
  constructor(
    private readonly target: string,
    private readonly openChannel: (address: string) => Client,
  ) {}

  /** The stream with the fewest calls in flight; undefined while none accepts calls. Also opens missing streams. */
  leastBusy(): CallStream | undefined {
    let best: CallStream | undefined;
    let equals = 1;
    for (const stream of this.#streams.keys()) {
      if (stream.state !== 'open' && stream.state !== 'aging') continue;
      const order = best ? compare(stream, best) : -1;
      if (order > 0) continue;
      equals = order < 0 ? 1 : equals + 1;
      // Equal streams are chosen equally often.
      if (Math.random() * equals < 1) best = stream;
    }
    if (this.#lookAt <= Date.now()) void this.#look();
    return best;
  }

  forgetTokens(): void {
    for (const stream of this.#streams.keys()) stream.forgetTokens();
  }

  /** Calls in flight are still answered. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#streams.keys()) stream.leave();
  }

  /** Opens a stream to each replica that has none which stays open. */
  async #look(): Promise<void> {
    if (this.#isLooking || this.#isClosed) return;
    this.#isLooking = true;
    this.#lookAt = Infinity;
    const addresses = await replicaAddresses(this.target);
    this.#isLooking = false;
    if (this.#isClosed) return;
    if (addresses.length === 0) return this.#lookIn(againMs.longest);
    for (const address of addresses) this.#openTo(address);
    for (const [stream, address] of this.#streams)
      if (stream.state === 'aging' && !addresses.includes(address)) stream.leave();
  }

  #openTo(address: string): void {
    const others = [...this.#streams.keys()].filter((stream) => this.#streams.get(stream) === address);
    if (others.some(({ state }) => state === 'connecting' || state === 'open')) return;
    let wasOpen = false;
    const stream: CallStream = new CallStream(this.openChannel(address), () => {
      if (stream.state === 'open') {
        wasOpen = true;
        openStreams.inc();
        for (const other of others) other.leave();
      } else if (stream.isSilent) void this.#look();
      else if (stream.isUsed) this.#lookIn(0);
      else stream.leave();
    });
    this.#streams.set(stream, address);
    void stream.ended.then(({ code }) => {
      this.#streams.delete(stream);
      if (wasOpen) openStreams.dec();
      const { shortest, longest } = againMs;
      if (code === status.OK) this.#lookIn(0);
      else if (wasOpen || code === status.UNAVAILABLE) this.#lookIn(shortest + Math.random() * (longest - shortest));
      else this.#lookIn(refusedMs);
    });
  }

  #lookIn(waitMs: number): void {
    this.#lookAt = Math.min(this.#lookAt, Date.now() + waitMs);
  }
}

/** Sort order of streams: one that stays open comes first, then one that is less busy. */
function compare(stream: CallStream, other: CallStream): number {
  if (stream.state !== other.state) return stream.state === 'open' ? -1 : 1;
  return stream.running - other.running;
}
