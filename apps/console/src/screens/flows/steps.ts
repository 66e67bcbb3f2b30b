import { isJson, itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';

/** A place in a definition, such as `['steps', 2, 'try', 'catch', 0]`. */
export type Place = readonly (string | number)[];

/** A line of the list of steps: a step, or the head of one of its branches. */
export interface Line {
  /** JSON pointer of the place in the definition. */
  id: string;
  place: Place;
  depth: number;
  step?: Json;
  /** Of a branch: the list of its steps, and what heads it. */
  branch?: { list: Place; kind: 'case' | 'otherwise' | 'branch' | 'try' | 'catch' | 'steps'; of?: Json };
}

/** Kinds of steps in groups, in the order in which they are offered. */
export const stepKinds: Readonly<Record<string, readonly string[]>> = {
  records: ['find', 'create', 'update', 'upsert', 'delete', 'link', 'assign', 'moveStage', 'addTask', 'addNote'],
  people: ['reply', 'send', 'approve', 'wait', 'listen'],
  control: ['switch', 'for', 'fork', 'try', 'do', 'set', 'raise', 'run'],
  systems: ['http', 'connector', 'transform'],
};

const kinds = Object.values(stepKinds).flat();

/** What a step does, such as `addTask`; empty for one that does nothing yet. */
export function kindOf(step: Json): string {
  return kinds.find((kind) => isJson(step[kind])) ?? '';
}

/** The lines of a definition, from top to bottom. */
export function linesOf(definition: Json): Line[] {
  return stepLines(definition, ['steps'], 0);
}

function stepLines(definition: Json, list: Place, depth: number): Line[] {
  return stepsAt(definition, list).flatMap((step, index) => {
    const place = [...list, index];
    const line: Line = { id: pointerOf(place), place, depth, step };
    return [line, ...branchesOf(step, place).flatMap((branch) => branchLines(definition, branch, depth + 1))];
  });
}

function branchLines(definition: Json, { place, branch }: Branch, depth: number): Line[] {
  const isPlain = branch.kind === 'steps';
  const head: Line = { id: `${pointerOf(place)}#`, place, depth, branch };
  const steps = stepLines(definition, branch.list, isPlain ? depth : depth + 1);
  return isPlain && steps.length > 0 ? steps : [head, ...steps];
}

interface Branch {
  place: Place;
  branch: NonNullable<Line['branch']>;
}

/** The lists of steps within a step. */
function branchesOf(step: Json, place: Place): Branch[] {
  const kind = kindOf(step);
  const at = [...place, kind];
  const each = (name: string, what: 'case' | 'branch'): Branch[] =>
    itemsAt(step, `${kind}.${name}`).map((of, index) => {
      const own = [...at, name, index];
      return { place: own, branch: { list: [...own, 'steps'], kind: what, of } };
    });
  const list = (name: string, what: 'otherwise' | 'try' | 'catch' | 'steps'): Branch => ({
    place: [...at, name],
    branch: { list: [...at, name], kind: what },
  });
  switch (kind) {
    case 'switch':
      return [...each('cases', 'case'), list('otherwise', 'otherwise')];
    case 'fork':
      return each('branches', 'branch');
    case 'try':
      return [list('steps', 'try'), list('catch', 'catch')];
    case 'for':
    case 'do':
      return [list('steps', 'steps')];
    default:
      return [];
  }
}

/** A new step of a kind, with what it can not be without. */
export function newStep(definition: Json, kind: string): Json {
  const taken = new Set(linesOf(definition).flatMap(({ step }) => (step ? [textAt(step, 'key')] : [])));
  const base = kind.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  let key = base;
  for (let count = 2; taken.has(key); count += 1) key = `${base}_${count}`;
  return { key, [kind]: begin[kind] ?? {} };
}

const begin: Readonly<Record<string, Json>> = {
  switch: { cases: [{ condition: 'true', steps: [] }] },
  fork: {
    branches: [
      { key: 'first', steps: [] },
      { key: 'second', steps: [] },
    ],
  },
  moveStage: { dealId: 'record.id' },
  set: { variables: [{}] },
  wait: { seconds: 86_400 },
  listen: { events: [{ key: 'event' }] },
};

/** Puts a step behind a line: behind a step in its list, or first in a branch. */
export function withStep(definition: Json, behind: Line | undefined, step: Json): { definition: Json; id: string } {
  const list = behind?.branch?.list ?? behind?.place.slice(0, -1) ?? ['steps'];
  const last = behind?.place.at(-1);
  const index = behind?.step && typeof last === 'number' ? last + 1 : behind ? 0 : stepsAt(definition, list).length;
  const steps = stepsAt(definition, list).toSpliced(index, 0, step);
  return { definition: withValue(definition, list, steps), id: pointerOf([...list, index]) };
}

/** Takes the step or the branch of a line away. */
export function without(definition: Json, { place, branch }: Line): Json {
  const last = place.at(-1);
  if (typeof last === 'number') {
    const list = place.slice(0, -1);
    return withValue(definition, list, stepsAt(definition, list).toSpliced(last, 1));
  }
  return branch ? withValue(definition, branch.list, []) : definition;
}

/** Moves a step within its list. */
export function moved(
  definition: Json,
  { place, step }: Line,
  by: number,
): { definition: Json; id: string } | undefined {
  const [list, index] = [place.slice(0, -1), place.at(-1)];
  const steps = stepsAt(definition, list);
  if (!step || typeof index !== 'number' || index + by < 0 || index + by >= steps.length) return undefined;
  const next = steps.toSpliced(index, 1).toSpliced(index + by, 0, step);
  return { definition: withValue(definition, list, next), id: pointerOf([...list, index + by]) };
}

export function stepsAt(definition: Json, list: Place): Json[] {
  const value = valueIn(definition, list);
  return Array.isArray(value) ? value.filter(isJson) : [];
}

export function valueIn(json: unknown, place: Place): unknown {
  return place.reduce<unknown>(
    (value, name) => (Array.isArray(value) ? value[Number(name)] : isJson(value) ? value[name] : undefined),
    json,
  );
}

/** The same with another value at a place. */
export function withValue(json: Json, [name, ...rest]: Place, value: unknown): Json {
  if (name === undefined) return value as Json;
  const inner = rest.length === 0 ? value : withValue((json as Record<string | number, Json>)[name] ?? {}, rest, value);
  return (Array.isArray(json) ? json.with(Number(name), inner) : { ...json, [name]: inner }) as Json;
}

export function pointerOf(place: Place): string {
  return `/${place.join('/')}`;
}

/** What starts a flow, such as `record`; empty while nothing is chosen. */
export function triggerOf(definition: Json): string {
  return triggerKinds.find((kind) => isJson(valueAt(definition, `trigger.${kind}`))) ?? '';
}

export const triggerKinds = ['record', 'timeField', 'schedule', 'manual', 'subflow', 'segment', 'webhook'] as const;
