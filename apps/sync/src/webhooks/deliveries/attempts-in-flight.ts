import type { Job } from './claim-jobs.js';
import type { Attempt } from './start-attempts.js';

/** Limit of concurrent attempts of this process. Each takes a socket, and memory for the values that it sends. */
const maxAttempts = 1_024;
const maxBytes = 64 * 1024 * 1024;

/** Limit per tenant: hanging endpoints of one tenant leave room for others. */
const ofTenant = { attempts: 512, bytes: 16 * 1024 * 1024 };

/** Limits per endpoint, and per endpoint whose last attempt failed: a hanging endpoint occupies a few places at most. */
const ofEndpoint = { well: 16, failing: 2 };

interface Load {
  attempts: number;
  bytes: number;
}

/** The attempts in progress, and the room for more per tenant and endpoint. */
export class AttemptsInFlight {
  readonly #running = new Map<Attempt, AbortController>();
  readonly #endpoints = new Map<string, number>();
  readonly #tenants = new Map<string, Load>();
  #all: Load = { attempts: 0, bytes: 0 };

  get jobs(): Job[] {
    return [...this.#running.keys()].map(({ job }) => job);
  }

  /** @returns aborts the attempt */
  begin(attempt: Attempt): AbortSignal {
    const { job, bytes } = attempt;
    this.#note(job, 1, bytes);
    const controller = new AbortController();
    this.#running.set(attempt, controller);
    return controller.signal;
  }

  end(attempt: Attempt): void {
    const { job, bytes } = attempt;
    this.#running.delete(attempt);
    this.#note(job, -1, -bytes);
  }

  abort(which: (job: Job) => boolean): void {
    for (const [{ job }, controller] of this.#running) if (which(job)) controller.abort();
  }

  /** The room for further attempts. @param failing endpoints whose last attempt failed */
  room(failing: ReadonlySet<string>) {
    const busy = new Set([...this.#endpoints.keys(), ...failing]);
    const roomOfEndpoint = (id: string) =>
      Math.max(0, (failing.has(id) ? ofEndpoint.failing : ofEndpoint.well) - (this.#endpoints.get(id) ?? 0));
    return {
      total: this.#all.bytes >= maxBytes ? 0 : maxAttempts - this.#all.attempts,
      perEndpoint: ofEndpoint.well,
      endpoints: new Map([...busy].map((id) => [id, roomOfEndpoint(id)])),
      perTenant: ofTenant.attempts,
      tenants: new Map(
        [...this.#tenants].map(([id, { attempts, bytes }]) => [
          id,
          bytes >= ofTenant.bytes ? 0 : Math.max(0, ofTenant.attempts - attempts),
        ]),
      ),
    };
  }

  /** Bytes of values that further attempts of a tenant may take. */
  bytesFor(tenantId: string): number {
    return Math.max(0, ofTenant.bytes - (this.#tenants.get(tenantId)?.bytes ?? 0));
  }

  #note({ endpointId, tenantId }: Attempt['job'], attempts: number, bytes: number): void {
    this.#all = plus(this.#all, attempts, bytes);
    const ofOneTenant = plus(this.#tenants.get(tenantId), attempts, bytes);
    if (ofOneTenant.attempts === 0) this.#tenants.delete(tenantId);
    else this.#tenants.set(tenantId, ofOneTenant);
    const ofOneEndpoint = (this.#endpoints.get(endpointId) ?? 0) + attempts;
    if (ofOneEndpoint === 0) this.#endpoints.delete(endpointId);
    else this.#endpoints.set(endpointId, ofOneEndpoint);
  }
}

function plus(load: Load = { attempts: 0, bytes: 0 }, attempts: number, bytes: number): Load {
  return { attempts: load.attempts + attempts, bytes: load.bytes + bytes };
}
