import type { Server, ServerResponse } from 'node:http';
import { BlockList, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { metrics, networkOf } from '@rapport/platform';
import { Counter } from 'prom-client';

/** How many connections may be open. */
export interface ConnectionBounds {
  most: number;
  /** Limit of one network: an IPv4 address, or a /64 of IPv6. */
  ofNetwork: number;
}

interface ConnectionSharesOptions {
  server: Server;
  bounds: ConnectionBounds;
  /** Addresses or CIDR ranges. */
  trustedProxies: readonly string[];
  isTls: boolean;
  /** The latest response on a connection; undefined before the first. */
  responseOn: (socket: Duplex) => ServerResponse | undefined;
}

export const defaultConnectionBounds: ConnectionBounds = { most: 10_000, ofNetwork: 2_500 };

/** Part of all connections from which on idle ones are kept for a short time only. */
const nearlyFull = 0.8;
/** How long idle connections are kept, in milliseconds. The usual time is longer than that of load balancers. */
const keepAliveMs = { usual: 72_000, nearlyFull: 1_000 };
/** How many idle connections are closed at once when all are taken: finding them means sorting all networks. */
const closedAtOnce = 32;
/** How long to wait before looking for idle connections again if there were none, in milliseconds. */
const retryMs = 100;

const closed = new Counter({
  name: 'rapport_connections_closed_total',
  help: 'Connections closed because there were too many, by kind: idle or new.',
  registers: [metrics],
  labelNames: ['kind'] as const,
});

interface Connection {
  socket: Socket;
  /** Requests arrive on it: with TLS, another object than the connection's. */
  requestSocket: Duplex;
  /** Removes it from the count. Calling it again does nothing. */
  leave: () => void;
}

/**
 * Shares the connections of a server between client networks, so that one client can't exhaust them by keeping connections open. Each
 * network may have a part of them. When all are taken, idle connections are closed, starting with the network that has the most. A
 * connection is idle when all its requests are answered.
 */
export class ConnectionShares {
  /** Each set is in the order of opening. */
  readonly #byNetwork = new Map<string, Set<Connection>>();
  /** Connections of trusted proxies, which carry clients of many networks: only the total bounds them. */
  readonly #ofProxies = new Set<Connection>();
  /** With TLS: both sockets of a connection have the same peer address and port. */
  readonly #byPeer = new Map<string, Connection>();
  #count = 0;
  #noneIdleUntil = -Infinity;

  readonly #server: Server;
  readonly #bounds: ConnectionBounds;
  readonly #responseOn: ConnectionSharesOptions['responseOn'];

  constructor({ server, bounds, trustedProxies, isTls, responseOn }: ConnectionSharesOptions) {
    this.#server = server;
    this.#bounds = bounds;
    this.#responseOn = responseOn;
    const proxies = blockListOf(trustedProxies);
    // Only a backstop: this class enforces the bound.
    server.maxConnections = bounds.most + closedAtOnce;
    server.keepAliveTimeout = keepAliveMs.usual;
    server.on('connection', (socket: Socket) => this.#open(socket, proxies, isTls));
    if (!isTls) return;
    server.on('secureConnection', (socket: Socket) => {
      const connection = this.#byPeer.get(peerOf(socket));
      if (connection) connection.requestSocket = socket;
    });
  }

  #open(socket: Socket, proxies: BlockList, isTls: boolean): void {
    const { remoteAddress: address = '' } = socket;
    const isProxy = isIP(address) !== 0 && proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
    const network = networkOf(address);
    const own = isProxy ? this.#ofProxies : (this.#byNetwork.get(network) ?? new Set());
    const hasPlace =
      (isProxy || own.size < this.#bounds.ofNetwork || this.#closeIdle(own, 1) > 0) &&
      (this.#count < this.#bounds.most || this.#makeRoom());
    if (!hasPlace) {
      closed.inc({ kind: 'new' });
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    const leave = () => {
      if (!own.delete(connection)) return;
      if (own.size === 0 && this.#byNetwork.get(network) === own) this.#byNetwork.delete(network);
      if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
      this.#count -= 1;
      this.#adaptKeepAlive();
    };
    const connection: Connection = { socket, requestSocket: socket, leave };
    own.add(connection);
    if (!isProxy) this.#byNetwork.set(network, own);
    if (isTls) this.#byPeer.set(peer, connection);
    this.#count += 1;
    this.#adaptKeepAlive();
    socket.once('close', leave);
  }

  /** False when no connection is idle. */
  #makeRoom(): boolean {
    const now = performance.now();
    if (now < this.#noneIdleUntil) return false;
    const greediestFirst = [...this.#byNetwork.values()].sort((one, other) => other.size - one.size);
    let made = 0;
    for (const own of [...greediestFirst, this.#ofProxies]) {
      made += this.#closeIdle(own, closedAtOnce - made);
      if (made === closedAtOnce) break;
    }
    if (made === 0) this.#noneIdleUntil = now + retryMs;
    return made > 0;
  }

  /** Closes idle ones, the oldest first. @returns how many */
  #closeIdle(connections: ReadonlySet<Connection>, most: number): number {
    let count = 0;
    for (const { socket, requestSocket, leave } of connections) {
      if (count === most) break;
      const response = this.#responseOn(requestSocket);
      if (response && !response.writableFinished) continue;
      // The event `close` would come after the next connection.
      leave();
      socket.destroy();
      count += 1;
    }
    closed.inc({ kind: 'idle' }, count);
    return count;
  }

  #adaptKeepAlive(): void {
    const isNearlyFull = this.#count >= this.#bounds.most * nearlyFull;
    this.#server.keepAliveTimeout = isNearlyFull ? keepAliveMs.nearlyFull : keepAliveMs.usual;
  }
}

function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    // Named ranges, such as `loopback`, are bounded like clients.
    if (isIP(address) === 0) continue;
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
