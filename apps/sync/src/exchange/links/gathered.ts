import { setImmediate as turn } from 'node:timers/promises';

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Runs together what is asked for at the same time. While one run is under way, the items of the next one gather, so
 * that many callers cost few statements.
 */
export class Gathered<Item, Result> {
  #waiting: Waiting<Item, Result>[] = [];
  #isRunning = false;

  /**
   * @param run gives the results of the items, in their order. When it fails for several, each runs alone, so that
   *   only the one at fault fails
   * @param keyOf items of the same key never run together
   */
  constructor(
    private readonly run: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly keyOf: (item: Item) => string,
  ) {}

  /** @throws what `run` throws for the item */
  ask(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isRunning) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      // All that ask in this turn of the event loop come along.
      await turn();
      await this.#runTogether(this.#take());
    }
    this.#isRunning = false;
  }

  async #runTogether(together: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.run(together.map(({ item }) => item));
      for (const [index, { resolve }] of together.entries()) resolve(results[index] as Result);
    } catch (error) {
      const [one, ...others] = together;
      if (others.length === 0) return one?.reject(error);
      for (const each of together) await this.#runTogether([each]);
    }
  }

  /** The first item of each key. */
  #take(): Waiting<Item, Result>[] {
    const taken = new Map<string, Waiting<Item, Result>>();
    const left: Waiting<Item, Result>[] = [];
    for (const each of this.#waiting) {
      const key = this.keyOf(each.item);
      if (taken.has(key)) left.push(each);
      else taken.set(key, each);
    }
    this.#waiting = left;
    return [...taken.values()];
  }
}
