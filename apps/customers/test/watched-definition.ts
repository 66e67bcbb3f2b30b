import { AppError } from '@rapport/platform';
import { repeatWhile } from './repeat-while.js';

/** How to change and read a definition. */
export interface DefinitionCalls {
  rename: (displayName: string) => Promise<unknown>;
  /** Tries to change immutable fields. */
  retype: () => Promise<unknown>;
  delete: () => Promise<unknown>;
  undelete: () => Promise<unknown>;
  /** Display name and whether it is live. */
  read: () => Promise<{ displayName: string | undefined; isLive: boolean }>;
}

/** Writing a value, and reading records: one, or those that match a filter. */
type Use = 'write' | 'read';

/** A definition that one task changes while others use it, and its allowed states. */
export class WatchedDefinition {
  /** Odd while a delete or an undelete runs. */
  #phase = 0;
  #isLive = true;
  /** Numbers of the last acknowledged and the last sent name. */
  #named = 0;
  #naming = 0;
  #checks = 0;
  #enough: (() => void) | undefined;

  /** @param refusals allowed errors while it is deleted: the code and the reason */
  constructor(
    readonly name: string,
    private readonly calls: DefinitionCalls,
    private readonly refusals: Readonly<Record<Use, string>>,
  ) {}

  /** Renames, deletes and restores it; each state lasts until it has been read three times. Returns the errors. */
  async takeRound(): Promise<string[]> {
    this.#naming += 1;
    await patiently(() => this.calls.rename(String(this.#naming)));
    this.#named = this.#naming;
    const retyped = await outcomeOf(this.calls.retype);
    await this.#looks(3);
    await this.#turn(this.calls.delete, false);
    await this.#looks(3);
    await this.#turn(this.calls.undelete, true);
    return retyped === 'INVALID_ARGUMENT IMMUTABLE' ? [] : [`${this.name} was retyped: ${retyped}`];
  }

  /**
   * Uses it. A use that began and ended in one state must have the outcome of that state.
   *
   * @returns the outcome, and its error
   */
  async use(kind: Use, call: () => Promise<unknown>): Promise<{ outcome: string; fault?: string }> {
    const refusal = this.refusals[kind];
    const [phase, isLive] = [this.#phase, this.#isLive];
    const outcome = await outcomeOf(call);
    const isSure = this.#isStill(phase);
    if (isSure) this.#looked();
    const expected = isSure ? [isLive ? 'OK' : refusal] : ['OK', refusal];
    if (expected.includes(outcome)) return { outcome };
    return { outcome, fault: `${kind} of ${this.name}, ${isLive ? 'live' : 'deleted'}: ${outcome}` };
  }

  /** Reads it. Returns the error: a name older than the last acknowledged one, or another state. */
  async look(): Promise<string | undefined> {
    const [phase, isLive, named] = [this.#phase, this.#isLive, this.#named];
    const read = await patiently(this.calls.read);
    const number = Number(read.displayName);
    if (number < named || number > this.#naming) return `${this.name} is still ${read.displayName}, after ${named}`;
    if (!this.#isStill(phase)) return undefined;
    this.#looked();
    return read.isLive === isLive ? undefined : `${this.name} is ${read.isLive ? 'live' : 'deleted'}`;
  }

  async #turn(call: () => Promise<unknown>, isLive: boolean): Promise<void> {
    this.#phase += 1;
    await patiently(call);
    this.#isLive = isLive;
    this.#phase += 1;
  }

  #isStill(phase: number): boolean {
    return phase % 2 === 0 && this.#phase === phase;
  }

  #looked(): void {
    this.#checks -= 1;
    if (this.#checks === 0) this.#enough?.();
  }

  #looks(count: number): Promise<void> {
    this.#checks = count;
    return new Promise((resolve) => (this.#enough = resolve));
  }
}

/** OK, the code and reason of a refusal, or an unexpected failure. */
async function outcomeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await patiently(call);
    return 'OK';
  } catch (error) {
    if (!(error instanceof AppError)) return String(error);
    return `${error.code} ${error.violations[0]?.reason ?? error.reason}`;
  }
}

/** A call that exceeded its tenant's share of connections had no effect. */
const patiently = <Answer>(call: () => Promise<Answer>) => repeatWhile('TOO_MANY_CONCURRENT', call);
