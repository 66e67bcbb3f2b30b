/** Stands in for the module `k6`: remembers what was checked, and does not wait. */
export interface CheckResult {
  name: string;
  passed: boolean;
}

let results: CheckResult[] = [];

export function check<Value>(value: Value, checkers: Record<string, (value: Value) => boolean>): boolean {
  const made = Object.entries(checkers).map(([name, checker]) => ({ name, passed: checker(value) }));
  results.push(...made);
  return made.every(({ passed }) => passed);
}

export function sleep(seconds: number): void {
  if (!(seconds >= 0)) throw new Error(`sleep(${seconds})`);
}

/** What has been checked since the last call. */
export function takeCheckResults(): CheckResult[] {
  const taken = results;
  results = [];
  return taken;
}
