import type { CelType } from '@rapport/contracts/expressions';
import type { FlowTrigger } from '@rapport/contracts/rapport/flows/v1/flow';
import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { typeOfRecord } from '../variables.js';
import type { Place, Variables } from './faults.js';
import type { CustomFieldsOf } from './record-fields.js';
import { stepRules, type StepContext } from './step-rules.js';
import { allSteps, nestedSteps } from './step-tree.js';

/** Most steps of a definition, at all levels. */
const maxSteps = 100;

/** Most characters of all JSONata of a definition. To parse 10,000 takes up to 20 ms. */
const maxJsonata = 50_000;

const keyPattern = /^[a-z][a-z0-9_]{0,39}$/;

/** Checks the steps of a definition. Expressions read the outputs and variables of steps that come before. */
export class StepsCheck {
  readonly #context: StepContext;
  readonly #keys = new Set<string>();
  readonly #variables = new Set<string>();

  /** @param start the variables that runs start with */
  constructor(
    trigger: FlowTrigger,
    private readonly start: Variables,
    customFields: CustomFieldsOf,
  ) {
    const { now: _, ...atStart } = start;
    const hasRecord = typeOfRecord(trigger) !== undefined;
    this.#context = { atStart, ofEvents: new Map(), hasRecord, customFields };
  }

  check(place: Place, steps: readonly Step[]): void {
    // The expressions of more steps would hold up the process.
    const all = allSteps(steps);
    if (all.length > maxSteps) {
      place.add('TOO_MANY_ITEMS', `must have at most ${maxSteps} steps at all levels`);
      return;
    }
    if (all.reduce((length, { transform }) => length + (transform?.expression.length ?? 0), 0) > maxJsonata) {
      place.add('TOO_LONG', `must have at most ${maxJsonata} characters of JSONata in all steps`);
      return;
    }
    this.#checkList(place, steps, [], {});
  }

  /**
   * @param before keys of the steps before
   * @param local variables of loops and catches around
   * @returns the keys of these steps and those before
   */
  #checkList(place: Place, steps: readonly Step[], before: readonly string[], local: Variables): readonly string[] {
    return steps.reduce((known, step, index) => this.#checkStep(place.at(index), step, known, local), before);
  }

  #checkStep(place: Place, step: Step, before: readonly string[], local: Variables): readonly string[] {
    if (this.#keys.has(step.key)) place.at('key').add('DUPLICATE', `is the key of another step, ${step.key}`);
    this.#keys.add(step.key);
    const variables = this.#variablesAt(before, local);
    place.at('condition').expression(step.condition, variables, 'bool');
    const kind = this.#kindOf(place, step);
    if (kind === undefined) return [...before, step.key];
    if (kind === 'set') this.#checkSet(place.at('set', 'variables'), step, before, local);
    stepRules[kind]?.(place.at(kind), step, { ...this.#context, variables });
    const lists = nestedSteps(step).map(({ path, steps, isAfterOthers, adds }) => ({
      path,
      steps,
      isAfterOthers,
      adds,
    }));
    let known = before;
    for (const { path, steps, isAfterOthers, adds } of lists) {
      const within = this.#checkList(place.at(...path), steps, isAfterOthers ? known : before, { ...local, ...adds });
      known = [...new Set([...known, ...within])];
    }
    return [...known, step.key];
  }

  /** Variables are computed one after the other. All of a step are checked with the same types, which is cheaper. */
  #checkSet(place: Place, { set }: Step, before: readonly string[], local: Variables): void {
    const variables = set?.variables ?? [];
    const later = variables.map(({ name }) => name).filter((name) => !this.#variables.has(name));
    const known = this.#variablesAt(before, local, later);
    for (const [index, { name, value }] of variables.entries()) {
      const at = place.at(index);
      if (!keyPattern.test(name)) at.at('name').add('BAD_FORMAT', 'must be a key, such as total');
      at.at('value').expression(value, known);
      const early = later.find((each) => !this.#variables.has(each) && reads(value, each));
      if (early !== undefined) at.at('value').add('BAD_EXPRESSION', `reads vars.${early}, which has no value yet`);
      this.#variables.add(name);
    }
  }

  #variablesAt(before: readonly string[], local: Variables, later: readonly string[] = []): Variables {
    return {
      ...this.start,
      vars: anyValues('Vars', [...this.#variables, ...later]),
      steps: anyValues('Steps', before),
      ...local,
    };
  }

  #kindOf(place: Place, step: Step): keyof typeof stepRules | undefined {
    const kinds = Object.keys(stepRules) as (keyof typeof stepRules)[];
    const set = place.oneOf(step, kinds);
    return set.length === 1 ? set[0] : undefined;
  }
}

function reads(expression: string, name: string): boolean {
  return expression.split(/[^\w.]+/).some((part) => part === `vars.${name}` || part.startsWith(`vars.${name}.`));
}

function anyValues(name: string, keys: readonly string[]): CelType {
  return { name, fields: Object.fromEntries(keys.map((key) => [key, 'dyn'])) };
}
