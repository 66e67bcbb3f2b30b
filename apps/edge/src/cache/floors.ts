/**
 * A point in time below which nothing that depends on one thing may be given: a write to the thing raises its floor. Kept as
 * long as somebody stands on it, so there are never more floors than kept and coming answers need.
 */
class Floor {
  version = 0;
  holders = 0;

  constructor(readonly name: string) {}
}

/** The floors of this process. What is raised while nobody stands on it needs no memory. */
export class Floors {
  readonly #byName = new Map<string, Floor>();
  /** Under every answer. */
  readonly #ground = new Floor('');

  /** @param onRaise called with the names of raised floors */
  constructor(private readonly onRaise: (names: readonly string[]) => void = () => undefined) {}

  /** Of what is kept or being loaded. */
  get size(): number {
    return this.#byName.size;
  }

  /** Remembers where the named floors are now. Call it before the load begins, and `leave` when the answer is dropped. */
  stand(names: readonly string[]): Footing {
    const floors = [this.#ground];
    for (const name of names) {
      let floor = this.#byName.get(name);
      if (!floor) this.#byName.set(name, (floor = new Floor(name)));
      floor.holders++;
      floors.push(floor);
    }
    return new Footing(
      floors,
      floors.map(({ version }) => version),
      () => this.#leave(floors),
    );
  }

  /** From now on no answer whose load began before stands on any of these. */
  raise(names: readonly string[]): void {
    for (const name of names) {
      const floor = this.#byName.get(name);
      if (floor) floor.version++;
    }
    this.onRaise(names);
  }

  raiseAll(): void {
    this.#ground.version++;
  }

  #leave(floors: readonly Floor[]): void {
    for (const floor of floors) {
      if (floor !== this.#ground && --floor.holders === 0) this.#byName.delete(floor.name);
    }
  }
}

/** The floors that an answer depends on, as they were before its load began. */
export class Footing {
  #left = false;

  constructor(
    private readonly floors: readonly Floor[],
    private readonly versions: readonly number[],
    private readonly onLeave: () => void,
  ) {}

  /** How many floors it stands on, without the one under every answer. */
  get size(): number {
    return this.floors.length - 1;
  }

  /** False when anything that the answer depends on was written since. */
  get holds(): boolean {
    const { floors, versions } = this;
    for (let index = 0; index < floors.length; index++) {
      if (floors[index]?.version !== versions[index]) return false;
    }
    return true;
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.onLeave();
  }
}
