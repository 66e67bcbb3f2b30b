import { platformContract, MessageValidator } from '@rapport/contracts';
import type { FieldViolation } from '@rapport/platform';

/** The contract's rules for what is typed into a form: those of the operation that does the same by REST. */
export class FormRules {
  readonly #contract = platformContract();
  readonly #validator = new MessageValidator(this.#contract);

  /**
   * @param path full gRPC path of the operation
   * @param message its request
   */
  violations(path: string, message: object): FieldViolation[] {
    const method = this.#contract.method(path);
    if (!method) throw new Error(`${path} is not in the contract.`);
    return this.#validator.violations(method.desc.input, message);
  }
}

/** What is wrong with each field of a form, as sentences by the name of the field: the first of each. */
export function problemsOf(violations: readonly FieldViolation[]): Record<string, string> {
  const problems = violations.map(({ field, description }) => {
    const name = field.split('.').at(-1) ?? '';
    return [name, `This ${description.replace(/\.?$/, '.')}`] as const;
  });
  return Object.fromEntries(problems.reverse());
}
