import { TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import { figures } from './limit-metrics.js';
import type { PerClass, Plan } from './plans.js';
import { overloaded, tooManyConcurrent } from './refusals.js';

export type ClassName = keyof PerClass;

/** The part of a class's places that one tenant may have at most, whatever its plan says: others always find one. */
const greatestShare = 0.75;

export function classOf(trafficClass: TrafficClass): ClassName {
  switch (trafficClass) {
    case TrafficClass.UNSPECIFIED:
    case TrafficClass.INTERACTIVE:
      return 'interactive';
    case TrafficClass.BULK:
      return 'bulk';
    case TrafficClass.FEED:
      return 'feed';
    default:
      return trafficClass satisfies never;
  }
}

/** The places of one class of traffic: how many calls this process works on at the same time. */
export class Places {
  #used = 0;
  readonly #usedByTenant = new Map<string, number>();

  constructor(private readonly name: ClassName) {}

  /**
   * Takes a place at once or not at all.
   *
   * @param size how many places there are now
   * @returns gives the place back; calling it again does nothing
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT, UNAVAILABLE OVERLOADED
   */
  enter(tenantId: string, plan: Plan, size: number): () => void {
    const ofTenant = this.#usedByTenant.get(tenantId) ?? 0;
    if (ofTenant >= plan.places[this.name]) {
      figures.shed.too_many_concurrent += 1;
      throw tooManyConcurrent(this.name);
    }
    const share = Math.max(1, Math.floor(size * greatestShare));
    if (this.#used >= size || ofTenant >= share) {
      figures.shed.overloaded += 1;
      throw overloaded(this.name);
    }
    this.#used += 1;
    this.#usedByTenant.set(tenantId, ofTenant + 1);
    figures.placesUsed[this.name] += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(tenantId);
    };
  }

  #leave(tenantId: string): void {
    this.#used -= 1;
    figures.placesUsed[this.name] -= 1;
    const ofTenant = (this.#usedByTenant.get(tenantId) ?? 1) - 1;
    if (ofTenant === 0) this.#usedByTenant.delete(tenantId);
    else this.#usedByTenant.set(tenantId, ofTenant);
  }
}
