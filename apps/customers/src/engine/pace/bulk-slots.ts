import { setTimeout as delay } from 'node:timers/promises';
import { callContext, currentCaller, type AppError } from '@rapport/platform';
import { BulkSlot, type ClientRates } from './bulk-slot.js';

/** How long a call waits for a slot of a slow client, and the polling interval, in milliseconds. */
const waitMs = 5_000;
const pollMs = 100;

export interface SlotLimits {
  /** Slots in this process. */
  readonly inAll: number;
  readonly perTenant: number;
  readonly rates: ClientRates;
}

/** Errors for a refused or lost slot. */
export interface SlotRefusals {
  /** The tenant holds all slots that it may have. */
  own: () => AppError;
  /** Other tenants hold all slots, and none of them is slow. */
  others: () => AppError;
  tooSlow: () => AppError;
}

/** The slots of calls that hold resources of the process for as long as their clients take to send or to read. */
export class BulkSlots {
  readonly #taken = new Set<BulkSlot>();

  constructor(
    private readonly limits: SlotLimits,
    private readonly refusals: SlotRefusals,
  ) {}

  /**
   * Takes a slot for the current call. When none is free, the slowest client loses its slot, if it is slow.
   *
   * @throws AppError RESOURCE_EXHAUSTED
   */
  async enter(): Promise<BulkSlot> {
    const { tenantId } = currentCaller();
    const gone = callContext.getStore()?.gone;
    const lookedFrom = performance.now();
    for (;;) {
      if (this.#ofTenant(tenantId) >= this.limits.perTenant) throw this.refusals.own();
      if (this.#taken.size >= this.limits.inAll) this.#slowest()?.lose();
      if (this.#taken.size < this.limits.inAll) break;
      if (gone?.aborted || performance.now() - lookedFrom > waitMs) throw this.refusals.others();
      await delay(pollMs);
    }
    const place = new BulkSlot(tenantId, this.limits.rates, this.refusals.tooSlow, () => this.#taken.delete(place));
    this.#taken.add(place);
    return place;
  }

  #ofTenant(tenantId: string): number {
    return [...this.#taken].filter((place) => place.tenantId === tenantId).length;
  }

  #slowest(): BulkSlot | undefined {
    const bySpeed = [...this.#taken].sort((one, other) => one.rate - other.rate);
    return bySpeed.find(({ rate }) => rate < this.limits.rates.slowPerSecond);
  }
}
