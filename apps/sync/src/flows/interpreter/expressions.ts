import { evaluate, isTrue } from '@rapport/contracts/expressions';
import type { Json, JsonObject } from '../effects/effect-port.js';

/** What expressions read: `record`, `before`, `change`, `input`, `vars`, `steps`, `item`, `index`, `error`, `now`. */
export interface Scope {
  record?: JsonObject | undefined;
  before?: JsonObject | undefined;
  change?: JsonObject | undefined;
  input?: JsonObject;
  vars?: JsonObject;
  steps?: JsonObject;
  item?: Json;
  index?: number;
  error?: JsonObject;
  now?: Date;
}

/** Gives variables the types that CEL has for them, such as times of records. */
export type TypedScope = (scope: Scope) => Readonly<Record<string, unknown>>;

/** Expressions of one version of a flow. */
export class Expressions {
  /** @param typed of the tenant's fields */
  constructor(private readonly typed: TypedScope = presentValues) {}

  /** @throws ExpressionError for one without a value */
  value(text: string, scope: Scope): Json {
    return evaluate(text, this.typed(scope)) as Json;
  }

  /** False for one without a value. */
  isTrue(text: string, scope: Scope): boolean {
    return isTrue(text, this.typed(scope));
  }
}

function presentValues(scope: Scope): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(scope).filter(([, value]) => value !== undefined));
}
