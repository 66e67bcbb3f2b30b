import { jsonPointer } from '@rapport/contracts';
import { checkExpression, type CelType, type ExpressionResult } from '@rapport/contracts/expressions';
import type { ViolationCode } from '@rapport/platform';

/** A step of a path: a name or an index. */
type PathStep = string | number;

/** Something wrong in a definition. */
export interface Fault {
  path: readonly PathStep[];
  reason: ViolationCode;
  description: string;
}

/** The variables of expressions at a place of a definition, with their types. */
export type Variables = Readonly<Record<string, CelType>>;

/** A place of a definition, where faults are noted. */
export class Place {
  constructor(
    readonly path: readonly PathStep[],
    private readonly faults: Fault[],
  ) {}

  at(...steps: PathStep[]): Place {
    return new Place([...this.path, ...steps], this.faults);
  }

  add(reason: ViolationCode, description: string): void {
    this.faults.push({ path: this.path, reason, description });
  }

  /** Checks an expression, unless it is absent. @param isNullable whether its value may be null */
  expression(
    text: string | undefined,
    variables: Variables,
    result: ExpressionResult = 'any',
    isNullable = false,
  ): void {
    const fault = text === undefined ? undefined : checkExpression(text, { variables, result, isNullable });
    if (fault) this.add(fault.reason, fault.description);
  }

  /** Notes each key that the list has before. */
  unique(items: readonly { key: string }[], list: string): void {
    const seen = new Set<string>();
    for (const [index, { key }] of items.entries()) {
      if (seen.has(key)) this.at(list, index, 'key').add('DUPLICATE', `is the key of another one, ${key}`);
      seen.add(key);
    }
  }

  /** Exactly one of these fields has to be set. @returns the ones that are */
  oneOf<Name extends string>(content: Readonly<Partial<Record<Name, unknown>>>, names: readonly Name[]): Name[] {
    const set = names.filter((name) => content[name] !== undefined && content[name] !== false);
    if (set.length !== 1) this.add('ONE_REQUIRED', `must have exactly one of ${names.join(', ')}`);
    return set;
  }
}

/** JSON Pointer within the definition. */
export function pointerOf({ path }: Pick<Fault, 'path'>): string {
  return jsonPointer(path.map(String));
}

/** Path in a request, such as `flow.definition.steps[0].key`. */
export function fieldOf({ path }: Pick<Fault, 'path'>, prefix: string): string {
  return path.reduce<string>((field, step) => field + (typeof step === 'number' ? `[${step}]` : `.${step}`), prefix);
}
