import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';

/** A list of steps within a step, such as those of a case. */
export interface StepList {
  /** Path from the step, such as `switch/cases/0/steps`. */
  path: string;
  steps: readonly Step[];
}

/** The lists of steps within a step, in their order. */
export function stepLists(step: Step): StepList[] {
  const { switch: choice, for: loop, fork, do: group, try: attempt } = step;
  if (choice) {
    return [
      ...choice.cases.map(({ steps }, index) => ({ path: `switch/cases/${index}/steps`, steps })),
      { path: 'switch/otherwise', steps: choice.otherwise },
    ];
  }
  if (loop) return [{ path: 'for/steps', steps: loop.steps }];
  if (fork) return fork.branches.map(({ steps }, index) => ({ path: `fork/branches/${index}/steps`, steps }));
  if (group) return [{ path: 'do/steps', steps: group.steps }];
  if (attempt) {
    return [
      { path: 'try/steps', steps: attempt.steps },
      { path: 'try/catch', steps: attempt.catch },
    ];
  }
  return [];
}

const kinds = [
  ...['set', 'switch', 'for', 'fork', 'do', 'try', 'raise', 'find', 'create', 'update', 'delete', 'upsert', 'link'],
  ...['assign', 'moveStage', 'addTask', 'addNote', 'http', 'connector', 'wait', 'listen', 'approve', 'run'],
  ...['transform', 'reply', 'send'],
] as readonly (keyof Step)[];

/** What a step does, such as `addTask`. */
export function stepKind(step: Step): string {
  const kind = kinds.find((name) => step[name] !== undefined);
  if (kind === undefined) throw new Error(`The step ${step.key} does nothing.`);
  return kind;
}

/** A step of a run: its definition, and the list that it is in. */
export interface PlacedStep {
  step: Step;
  /** Path of the list that the step is in, with indexes of loops, such as `steps/2/for/steps`. */
  listPath: string;
  index: number;
  /** Number of steps in the list. */
  count: number;
  /** Index of the iteration that ends the path, if the list is that of a loop. */
  iteration: number | undefined;
  /** Path of the step around it; undefined at the top. */
  parentPath: string | undefined;
}

const segment = /^(.*)\/(\d+)(?:\[(\d+)\])?$/;

/**
 * Finds a step by its path, such as `steps/2/for/steps/0[4]`.
 *
 * @throws Error for a path that the definition does not have
 */
export function placedStep(root: readonly Step[], path: string): PlacedStep {
  const match = segment.exec(path);
  const [, listPath = '', index = '', iteration] = match ?? [];
  const list = stepsAt(root, listPath);
  const step = list.steps[Number(index)];
  if (!match || !step) throw new Error(`The definition has no step ${path}.`);
  return {
    ...{ step, listPath, index: Number(index), count: list.steps.length, parentPath: list.parentPath },
    iteration: iteration === undefined ? undefined : Number(iteration),
  };
}

const listTail =
  /^(.*\/\d+(?:\[\d+\])?)\/((?:switch\/(?:cases\/\d+\/steps|otherwise))|(?:for\/steps)|(?:fork\/branches\/\d+\/steps)|(?:do\/steps)|(?:try\/(?:steps|catch)))$/;

/** The steps of a list, and the path of the step that has it. */
export function stepsAt(
  root: readonly Step[],
  listPath: string,
): { steps: readonly Step[]; parentPath: string | undefined } {
  if (listPath === 'steps') return { steps: root, parentPath: undefined };
  const [, parentPath = '', tail = ''] = listTail.exec(listPath) ?? [];
  const { step } = placedStep(root, parentPath);
  const list = stepLists(step).find(({ path }) => path === tail);
  if (!list) throw new Error(`The definition has no list ${listPath}.`);
  return { steps: list.steps, parentPath };
}
