/** An environment variable, such as of `k6 run -e`. @throws Error when it is missing */
export function variable(name: string, fallback?: string): string {
  const value = __ENV[name] ?? fallback;
  if (value === undefined || value === '') throw new Error(`${name} is not set.`);
  return value;
}

export function numberVariable(name: string, fallback: number): number {
  const number = Number(variable(name, String(fallback)));
  if (!(number > 0)) throw new Error(`${name} is not a number above 0.`);
  return number;
}

/** The choice named `value`. @throws Error that lists the choices */
export function chosen<Choice>(name: string, value: string, choices: Record<string, Choice>): Choice {
  const choice = choices[value];
  if (choice === undefined) throw new Error(`${name} is ${value}, and may be ${Object.keys(choices).join(', ')}.`);
  return choice;
}
