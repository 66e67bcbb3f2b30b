import { platformContract, MessageValidator } from '@rapport/contracts';
import type { FieldViolation } from '@rapport/platform';

/** Validates forms with the contract's rules for the same operation in the API. */
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

/** The first error of each field of a form, as a sentence, by the name of the field. */
export function problemsOf(violations: readonly FieldViolation[]): Record<string, string> {
  const problems = violations.map(({ field, description }) => {
    const name = field.split('.').at(-1) ?? '';
    return [name, `This ${description.replace(/\.?$/, '.')}`] as const;
  });
  return Object.fromEntries(problems.reverse());
}
