import { Client, connectivityState, credentials, type ChannelOptions } from '@grpc/grpc-js';
import { isTracing } from '@rapport/platform';
import type { ServiceCertificates } from '../certificates/service-certificates.js';
import { traceClientCall } from '../calls/trace-calls.js';

/** Flow-control window of a call stream, in bytes: enough for pages of large records. */
const streamWindowBytes = 4 * 1024 * 1024;

/** The certificate of a process, and the name that the certificate of the service must have. */
export interface ServiceIdentity {
  certificates: ServiceCertificates;
  serviceName: string;
}

/**
 * The channels to the services at one address. The platform's own calls and those of each class of traffic have separate
 * connections: pending data of streams fills a connection's window, and small answers wait behind it (RFC 9113, section
 * 5.2), so 200 readers of a feed would block every other call of a service.
 */
export class ClassChannels {
  readonly #channels = new Map<string, Client>();
  readonly #open: (address: string, more?: ChannelOptions) => Client;
  #isClosed = false;

  /** @param longestCallMs the longest deadline of a call, in milliseconds */
  constructor(
    readonly address: string,
    longestCallMs: number,
    proof?: ServiceIdentity,
  ) {
    const channelCredentials = proof?.certificates.forClient() ?? credentials.createInsecure();
    const options = {
      ...(proof && { 'grpc.ssl_target_name_override': proof.serviceName }),
      // Otherwise channels to one address share their connections.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
      // A ping on a connection that accepts no new calls ends those that still run (grpc-node#3068). So no ping is sent
      // before the last possible call on such a connection has reached its deadline.
      'grpc.keepalive_time_ms': 2 * longestCallMs,
      // Answers come from our services, and the contract limits them: a page of large records exceeds the default.
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 500,
      // Each connection that ends triggers a new look-up of the name. Until then calls may fail, because the replica may no
      // longer exist.
      'grpc.dns_min_time_between_resolutions_ms': 100,
      ...(isTracing() && { interceptors: [traceClientCall] }),
    };
    this.#open = (to, more) => new Client(to, channelCredentials, { ...options, ...more });
  }

  /** A channel to one replica for a call stream, which closes it. */
  openTo(address: string): Client {
    return this.#open(address, { 'grpc-node.flow_control_window': streamWindowBytes });
  }

  /** @param name of a class of traffic, or `platform` */
  of(name: string): Client {
    let channel = this.#channels.get(name);
    if (!channel) {
      channel = this.#open(this.address);
      this.#channels.set(name, channel);
      if (this.#isClosed) channel.close();
    }
    return channel;
  }

  close(): void {
    this.#isClosed = true;
    for (const channel of this.#channels.values()) channel.close();
  }
}

/**
 * Resolves when a channel that failed to connect has connected, at `connectBy` or when `signal` aborts. Channels connect
 * independently, so one may fail although others to the same service have connected.
 *
 * @param connectBy in milliseconds since 1970
 */
export async function untilConnected(
  channel: Client,
  connectBy: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (channel.getChannel().getConnectivityState(false) !== connectivityState.TRANSIENT_FAILURE) return;
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      signal?.removeEventListener('abort', done);
      resolve();
    };
    signal?.addEventListener('abort', done, { once: true });
    channel.waitForReady(connectBy, done);
  });
}
