/** The requests of clients, in parts of 100. `nx run edge:load` uses the same mixes. */
export interface Mix {
  get: number;
  list: number;
  search: number;
  searchAll: number;
  create: number;
  update: number;
}

export const mixes = {
  'read-heavy': { get: 80, list: 12, search: 3, searchAll: 2, create: 1, update: 2 },
  'write-heavy': { get: 20, list: 5, search: 0, searchAll: 0, create: 40, update: 35 },
  mixed: { get: 60, list: 15, search: 6, searchAll: 4, create: 5, update: 10 },
  search: { get: 0, list: 0, search: 50, searchAll: 50, create: 0, update: 0 },
} as const satisfies Record<string, Mix>;

/** The same of deals, for the scenario `deals`. */
export const dealMix = { get: 40, list: 25, aggregate: 5, create: 10, move: 20 };

/** The same of quotes and their pages, for the scenario `quotes`. */
export const quoteMix = { get: 20, list: 20, show: 40, create: 15, send: 5 };

/** The same of tasks, notes, the timeline and notifications, for the scenario `work`. */
export const workMix = { list: 40, timeline: 30, note: 15, complete: 10, count: 5 };

/** The same of the records of a custom object, for the scenario `objects`. */
export const objectMix = { get: 45, list: 25, aggregate: 5, create: 10, update: 15 };

/** The step at a point from 0 to 100. */
export function stepAt<Step extends string>(mix: Readonly<Record<Step, number>>, point: number): Step {
  let end = 0;
  for (const step of Object.keys(mix) as Step[]) {
    end += mix[step];
    if (point < end) return step;
  }
  throw new RangeError(`${point} is beyond the 100 parts of a mix.`);
}
