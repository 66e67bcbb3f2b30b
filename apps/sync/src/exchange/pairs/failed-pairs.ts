/** A pair by the ids of its known sides. */
export interface PairIds {
  customerId: string | undefined;
  recordId: string | undefined;
}

/**
 * Pairs of a run that could not be settled. A run may process one of them again, by its other side or by both, so one
 * known side identifies the pair.
 */
export class FailedPairs {
  readonly #sides = new Set<string>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  has(pair: PairIds): boolean {
    return sidesOf(pair).some((side) => this.#sides.has(side));
  }

  /** @returns whether the pair fails for the first time */
  add(pair: PairIds): boolean {
    const isNew = !this.has(pair);
    for (const side of sidesOf(pair)) this.#sides.add(side);
    if (isNew) this.#count += 1;
    return isNew;
  }
}

function sidesOf({ customerId, recordId }: PairIds): string[] {
  return [
    ...(customerId === undefined ? [] : [`customer ${customerId}`]),
    ...(recordId === undefined ? [] : [`record ${recordId}`]),
  ];
}
