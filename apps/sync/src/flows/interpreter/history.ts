import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import type { JsonObject } from '../effects/effect-port.js';
import type { Problem, RunState } from './run-state.js';
import { stepKind } from './step-tree.js';

/** An attempt of a step. */
export interface StepRow {
  number: number;
  path: string;
  key: string;
  kind: string;
  attempt: number;
  state: 'RUNNING' | 'WAITING' | 'SUCCEEDED' | 'SKIPPED' | 'FAILED' | 'UNCERTAIN' | 'CANCELLED' | 'UNDONE';
  effectKey?: string;
  input?: JsonObject;
  output?: JsonObject;
  undo?: JsonObject;
  problem?: Problem;
  startTime: string;
  endTime?: string;
}

/** A change of a row that is stored already. */
export type StepRowChange = Pick<StepRow, 'number'> & Partial<StepRow>;

/** Rows of the history that an advance makes and changes. */
export class History {
  readonly #made = new Map<number, StepRow>();
  readonly #changed = new Map<number, StepRowChange>();

  constructor(
    private readonly state: RunState,
    private readonly now: Date,
  ) {}

  /** Starts a step. @returns the number of its row */
  start(step: Step, path: string, attempt: number): number {
    this.state.rowCount += 1;
    const number = this.state.rowCount;
    const row = { number, path, key: step.key, kind: stepKind(step), attempt, state: 'RUNNING' } as const;
    this.#made.set(number, { ...row, startTime: this.now.toISOString() });
    return number;
  }

  change(number: number, change: Partial<StepRow>): void {
    const made = this.#made.get(number);
    if (made) Object.assign(made, change);
    else this.#changed.set(number, { ...this.#changed.get(number), ...change, number });
  }

  end(number: number, change: Partial<StepRow> & Pick<StepRow, 'state'>): void {
    this.change(number, { ...change, endTime: this.now.toISOString() });
  }

  get made(): StepRow[] {
    return [...this.#made.values()];
  }

  get changed(): StepRowChange[] {
    return [...this.#changed.values()];
  }
}
