import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import type { JsonObject } from '../effects/effect-port.js';
import type { RunPlan } from './interpret.js';
import type { Scope } from './expressions.js';
import type { RunState } from './run-state.js';
import { placedStep } from './step-tree.js';

/** A step around another one, and the list of it that the other one is in. */
export interface Around {
  path: string;
  step: Step;
  listPath: string;
  /** Of the iteration, if the list is that of a loop. */
  iteration: number | undefined;
}

/** The steps around a step, innermost first. */
export function stepsAround(root: readonly Step[], path: string): Around[] {
  const around: Around[] = [];
  let placed = placedStep(root, path);
  while (placed.parentPath !== undefined) {
    const { parentPath, listPath, iteration } = placed;
    placed = placedStep(root, parentPath);
    around.push({ path: parentPath, step: placed.step, listPath, iteration });
  }
  return around;
}

/** What the expressions of a step read. */
export function scopeOf(plan: RunPlan, state: RunState, path: string, now: Date): Scope {
  const { record, before, change, input } = plan.values;
  const scope: Scope = { record, before, change, input, vars: state.vars, steps: state.outputs, now };
  for (const { path: outer, listPath, iteration } of stepsAround(plan.steps, path)) {
    const frame = state.frames[outer];
    if (scope.index === undefined && iteration !== undefined) {
      scope.index = iteration;
      scope.item = frame?.items?.[iteration] ?? null;
    }
    if (scope.error === undefined && listPath.endsWith('/try/catch') && frame?.error) {
      scope.error = { ...frame.error } satisfies JsonObject;
    }
  }
  return scope;
}

/** The `try` that catches the failure of a step: the innermost one that has it in its steps. */
export function catcherOf(root: readonly Step[], path: string): Around | undefined {
  return stepsAround(root, path).find(({ listPath }) => listPath.endsWith('/try/steps'));
}

/** Whether a step is in a loop, so that it can begin again. */
export function isInLoop(root: readonly Step[], path: string): boolean {
  return stepsAround(root, path).some(({ iteration }) => iteration !== undefined);
}

/** Whether a step is within another one. */
export function isWithin(path: string, outer: string): boolean {
  return path.startsWith(`${outer}/`);
}

/** The path of a step of a list. */
export function pathIn(listPath: string, index: number, iteration: number | undefined): string {
  return `${listPath}/${index}${iteration === undefined ? '' : `[${iteration}]`}`;
}
