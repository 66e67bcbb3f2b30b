import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { stepsAround } from './run-paths.js';
import type { RunState } from './run-state.js';
import { placedStep, stepKind, stepLists } from './step-tree.js';

/** Why a run stays on its version. */
export class MoveError extends Error {
  override readonly name = 'MoveError';

  constructor(
    readonly code: 'STEP_UNDER_WAY' | 'STEP_NOT_FOUND' | 'STEP_KIND_CHANGED' | 'STEPS_AROUND_CHANGED',
    message: string,
  ) {
    super(message);
  }
}

/**
 * The state of a waiting run on another version: each step that is under way has the path of the step with the same key.
 *
 * @param keys of steps that have another key in the other version
 * @throws MoveError unless all steps at which it waits, and those around them, are there
 */
export function moveState(
  state: RunState,
  { from, to, keys }: { from: readonly Step[]; to: readonly Step[]; keys: ReadonlyMap<string, string> },
): RunState {
  const places = placesOf(to);
  const move = (path: string) => movedPath(path, { from, to, keys, places });
  const moved = structuredClone(state);
  const outputs = Object.entries(moved.outputs).map(([key, output]) => [keys.get(key) ?? key, output] as const);
  moved.outputs = Object.fromEntries(outputs);
  for (const token of moved.tokens) {
    // Its next attempt needs the effect key of the first one, which has the path.
    if (token.input) throw new MoveError('STEP_UNDER_WAY', `The step ${token.path} has been attempted.`);
    token.path = move(token.path);
  }
  moved.frames = Object.fromEntries(Object.entries(moved.frames).map(([path, frame]) => [move(path), frame]));
  return moved;
}

interface Move {
  from: readonly Step[];
  to: readonly Step[];
  keys: ReadonlyMap<string, string>;
  places: ReadonlyMap<string, string>;
}

function movedPath(path: string, { from, to, keys, places }: Move): string {
  const { step } = placedStep(from, path);
  const key = keys.get(step.key) ?? step.key;
  const place = places.get(key);
  if (place === undefined) throw new MoveError('STEP_NOT_FOUND', `The version has no step ${key}.`);
  if (stepKind(placedStep(to, place).step) !== stepKind(step)) {
    throw new MoveError('STEP_KIND_CHANGED', `The step ${key} is one of another kind.`);
  }
  const around = stepsAround(from, path);
  const newAround = stepsAround(to, place);
  const isSame =
    around.length === newAround.length &&
    around.every(({ step: outer, listPath }, index) => {
      const other = newAround[index];
      return (
        (keys.get(outer.key) ?? outer.key) === other?.step.key &&
        stepKind(outer) === stepKind(other.step) &&
        listKind(listPath) === listKind(other.listPath)
      );
    });
  if (!isSame) throw new MoveError('STEPS_AROUND_CHANGED', `The step ${key} is within other steps.`);
  return withIterations(place, path);
}

/** The list of a step, without indexes of steps and iterations: a branch stays the same branch. */
function listKind(listPath: string): string {
  return /\/(?:cases\/\d+\/steps|branches\/\d+\/steps|steps|otherwise|catch)$/.exec(listPath)?.[0] ?? listPath;
}

/** Gives a path the iterations of another one with the same steps around it. */
function withIterations(place: string, path: string): string {
  const iterations = [...path.matchAll(/\[(\d+)\]/g)].map(([whole]) => whole);
  let index = 0;
  return place.replaceAll('[0]', () => iterations[index++] ?? '[0]');
}

/** Paths of the first iteration, by the keys of the steps. */
function placesOf(steps: readonly Step[], listPath = 'steps', iteration = ''): Map<string, string> {
  const places = new Map<string, string>();
  for (const [index, step] of steps.entries()) {
    const path = `${listPath}/${index}${iteration}`;
    places.set(step.key, path);
    for (const list of stepLists(step)) {
      const inner = placesOf(list.steps, `${path}/${list.path}`, step.for ? '[0]' : '');
      for (const [key, place] of inner) places.set(key, place);
    }
  }
  return places;
}
