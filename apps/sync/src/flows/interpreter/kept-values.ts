import type { Json } from '../effects/effect-port.js';
import type { RunState } from './run-state.js';

/** Most characters of JSON that the variables, outputs and lists of a run have together. */
export const maxKeptLength = 1_048_576;

/**
 * The length of what a run keeps. A run that doubles a text in a loop would fill the memory of the process that advances
 * it, so each value is counted before the next step reads it.
 */
export class KeptValues {
  readonly #lengths = new Map<string, number>();
  #length = 0;

  constructor({ vars, outputs, frames }: Pick<RunState, 'vars' | 'outputs' | 'frames'>) {
    for (const [name, value] of Object.entries(vars)) this.note(`vars.${name}`, value);
    for (const [name, value] of Object.entries(outputs)) this.note(`steps.${name}`, value);
    for (const [path, { items }] of Object.entries(frames)) if (items) this.note(path, items);
  }

  /** Replaces a value. @returns whether the run still keeps no more than it may */
  note(place: string, value: Json | undefined): boolean {
    const length = value === undefined ? 0 : JSON.stringify(value).length;
    this.#length += length - (this.#lengths.get(place) ?? 0);
    this.#lengths.set(place, length);
    return this.#length <= maxKeptLength;
  }
}
