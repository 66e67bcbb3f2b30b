import {
  areaOf,
  type Contract,
  type ContractClient,
  type RestRoute,
  type ServiceCertificates,
} from '@rapport/contracts';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { readCall, type ReadCall } from './join-reads.js';
import { PeerClient, type BreakerState } from './peer-client.js';

/** One client for each service that the edge calls. */
export class ServiceClients {
  readonly #clients: ReadonlyMap<string, PeerClient>;

  constructor(
    addresses: ReadonlyMap<string, string>,
    services: readonly ServiceDefinition[],
    private readonly contract: Contract,
    certificates?: ServiceCertificates,
  ) {
    const client = (area: string, address: string) => new PeerClient(area, address, services, contract, certificates);
    this.#clients = new Map([...addresses].map(([area, address]) => [area, client(area, address)]));
  }

  /** The client for a method. @param path full gRPC path */
  for(path: string): ContractClient {
    const client = this.#clients.get(areaOf(path));
    if (!client) throw new Error(`No address for ${path}.`);
    return client;
  }

  /** Calls a unary method for JSON: see `readCall`. */
  read(method: RestRoute['method']): ReadCall {
    return readCall(this.contract, method, this.for(method.path));
  }

  /** By area, rejects when the service can't be reached. */
  readinessChecks(): Record<string, () => Promise<void>> {
    return Object.fromEntries([...this.#clients].map(([area, client]) => [area, () => client.waitUntilReady(1_000)]));
  }

  /** States of the circuit breakers, by area in the order of the names. */
  breakerStates(): [area: string, state: BreakerState][] {
    const states = [...this.#clients].map(([area, client]) => [area, client.breakerState] as [string, BreakerState]);
    return states.sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** The rights of principals have changed: drops their cached tokens in every service. */
  forgetPrincipals(): void {
    for (const client of this.#clients.values()) client.forgetPrincipals();
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}
