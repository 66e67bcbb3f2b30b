import type { Definition } from './flow-engine.ts';

/** What becomes of an effect: attempts that pass, and then success or failure. */
export interface Fate {
  passing: number;
  ends: 'DONE' | 'FINAL';
}

/** A definition with the outcome that it must have, found without the engine: by recursion over the steps. */
export interface ExpectedFlow {
  definition: Definition;
  /** Of effects, by the keys of their steps. */
  fates: ReadonlyMap<string, Fate>;
  status: 'SUCCEEDED' | 'FAILED';
  /** Paths of the effects that must happen, sorted. */
  effects: string[];
}

/** Failure of a step in the reference. */
class StepFails extends Error {}

/** A step, or a list of steps, and what following it means. */
interface Drawn<Json> {
  json: Json;
  follow: (path: string) => void;
}

/** Draws flows with nested steps of each kind. */
export class RandomFlows {
  #fates = new Map<string, Fate>();
  #effects: string[] = [];
  #keys = 0;

  constructor(private readonly below: (limit: number) => number) {}

  next(): ExpectedFlow {
    this.#fates = new Map();
    this.#effects = [];
    this.#keys = 0;
    const { json, follow } = this.#list(4, false);
    let status: ExpectedFlow['status'] = 'SUCCEEDED';
    try {
      follow('steps');
    } catch (error) {
      if (!(error instanceof StepFails)) throw error;
      status = 'FAILED';
    }
    return {
      definition: { steps: json },
      fates: this.#fates,
      status,
      effects: this.#effects.toSorted(),
    };
  }

  get #key(): string {
    this.#keys += 1;
    return `k${this.#keys}`;
  }

  /** Its `follow` takes the path of the list; `[n]` at its end is the iteration of a loop. */
  #list(level: number, isInFork: boolean): Drawn<object[]> {
    const steps = Array.from({ length: 1 + this.below(3) }, () => this.#step(level, isInFork));
    return {
      json: steps.map(({ json }) => json),
      follow: (path) => {
        const [, list = path, iteration = ''] = /^(.*?)(\[\d+\])?$/.exec(path) ?? [];
        for (const [index, { follow }] of steps.entries()) follow(`${list}/${index}${iteration}`);
      },
    };
  }

  #step(level: number, isInFork: boolean): Drawn<object> {
    if (level === 0 || this.below(2) === 0) return this.#leaf(isInFork);
    switch (this.below(5)) {
      case 0:
        return this.#choice(level - 1, isInFork);
      case 1:
        return this.#loop(level - 1, isInFork);
      case 2:
        return this.#fork(level - 1);
      case 3: {
        const { json, follow } = this.#list(level - 1, isInFork);
        return {
          json: { key: this.#key, do: { steps: json } },
          follow: (path) => follow(`${path}/do/steps`),
        };
      }
      default:
        return this.#attempt(level - 1, isInFork);
    }
  }

  #choice(level: number, isInFork: boolean): Drawn<object> {
    const lists = [0, 1, 2].map(() => this.#list(level, isInFork));
    const chosen = this.below(3);
    const [first, second, otherwise] = lists.map(({ json }) => json);
    const cases = [
      { condition: String(chosen === 0), steps: first },
      { condition: String(chosen === 1), steps: second },
    ];
    const places = ['switch/cases/0/steps', 'switch/cases/1/steps', 'switch/otherwise'];
    return {
      json: { key: this.#key, switch: { cases, otherwise } },
      follow: (path) => lists[chosen]?.follow(`${path}/${places[chosen]}`),
    };
  }

  #loop(level: number, isInFork: boolean): Drawn<object> {
    const { json, follow } = this.#list(level, isInFork);
    const items = Array.from({ length: this.below(4) }, (_, index) => index);
    return {
      json: { key: this.#key, for: { in: `[${items.join()}]`, steps: json } },
      follow: (path) => {
        for (const item of items) follow(`${path}/for/steps[${item}]`);
      },
    };
  }

  /** Without failures: how far the other branches would come is open. */
  #fork(level: number): Drawn<object> {
    const branches = Array.from({ length: 2 + this.below(2) }, () => this.#list(level, true));
    const json = branches.map((branch, index) => ({
      key: `b${index}`,
      steps: branch.json,
    }));
    return {
      json: { key: this.#key, fork: { branches: json } },
      follow: (path) => {
        for (const [index, { follow }] of branches.entries()) follow(`${path}/fork/branches/${index}/steps`);
      },
    };
  }

  #attempt(level: number, isInFork: boolean): Drawn<object> {
    const [steps, caught] = [this.#list(level, isInFork), this.below(3) > 0 ? this.#list(level, isInFork) : undefined];
    return {
      json: {
        key: this.#key,
        try: {
          steps: steps.json,
          catch: caught?.json ?? [],
          retry: { maxAttempts: 4 },
        },
      },
      follow: (path) => {
        try {
          steps.follow(`${path}/try/steps`);
        } catch (error) {
          if (!(error instanceof StepFails)) throw error;
          caught?.follow(`${path}/try/catch`);
        }
      },
    };
  }

  #leaf(isInFork: boolean): Drawn<object> {
    const key = this.#key;
    const kind = this.below(8);
    if (kind === 0)
      return {
        json: { key, wait: { seconds: 1 + this.below(100) } },
        follow: () => undefined,
      };
    if (kind === 1)
      return {
        json: { key, condition: 'false', raise: { code: 'NEVER' } },
        follow: () => undefined,
      };
    if (kind === 2) {
      return {
        json: {
          key,
          set: { variables: [{ name: 'seen', value: 'size(string(now))' }] },
        },
        follow: () => undefined,
      };
    }
    if (kind === 3 && !isInFork) {
      return {
        json: { key, raise: { code: 'RAISED' } },
        follow: () => {
          throw new StepFails();
        },
      };
    }
    const ends = !isInFork && this.below(6) === 0 ? 'FINAL' : 'DONE';
    this.#fates.set(key, { passing: this.below(3), ends });
    return {
      json: {
        key,
        create: {
          type: 'deal',
          fields: [{ field: 'title', value: `'${key}'` }],
        },
      },
      follow: (path) => {
        if (ends === 'FINAL') throw new StepFails();
        this.#effects.push(path);
      },
    };
  }
}

/** Whole numbers below a limit, as a seed determines. */
export function drawsOf(seed: number): (limit: number) => number {
  // A linear congruential generator (Numerical Recipes).
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
