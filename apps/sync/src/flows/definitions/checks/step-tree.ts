import type { CelType } from '@rapport/contracts/expressions';
import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';

/** A list of steps within a step. */
export interface NestedSteps {
  /** From the step that contains it, such as `for`, `steps`. */
  path: readonly (string | number)[];
  steps: readonly Step[];
  /** Whether its steps come after those of the lists before it. Branches do not. */
  isAfterOthers?: boolean;
  /** Variables that its steps have besides those around. */
  adds?: Readonly<Record<string, CelType>>;
}

const ofLoop = { item: 'dyn', index: 'int' };

const ofCatch = { error: { name: 'StepError', fields: { code: 'string', message: 'string', step: 'string' } } };

/** The lists of steps that a step contains. */
export function nestedSteps(step: Step): NestedSteps[] {
  if (step.switch) {
    const { cases, otherwise } = step.switch;
    return [
      ...cases.map(({ steps }, index) => ({ path: ['switch', 'cases', index, 'steps'], steps })),
      { path: ['switch', 'otherwise'], steps: otherwise },
    ];
  }
  if (step.for) return [{ path: ['for', 'steps'], steps: step.for.steps, adds: ofLoop }];
  if (step.fork) {
    return step.fork.branches.map(({ steps }, index) => ({ path: ['fork', 'branches', index, 'steps'], steps }));
  }
  if (step.do) return [{ path: ['do', 'steps'], steps: step.do.steps }];
  if (step.try) {
    return [
      { path: ['try', 'steps'], steps: step.try.steps },
      { path: ['try', 'catch'], steps: step.try.catch, isAfterOthers: true, adds: ofCatch },
    ];
  }
  return [];
}

/** All steps with their places, those within others after them. @param path of the list */
export function placedSteps(
  steps: readonly Step[],
  path: readonly (string | number)[] = ['steps'],
): { step: Step; path: readonly (string | number)[] }[] {
  return steps.flatMap((step, index) => {
    const place = [...path, index];
    const within = nestedSteps(step).flatMap((nested) => placedSteps(nested.steps, [...place, ...nested.path]));
    return [{ step, path: place }, ...within];
  });
}

/** All steps, those within others after them. */
export function allSteps(steps: readonly Step[]): Step[] {
  return placedSteps(steps).map(({ step }) => step);
}
