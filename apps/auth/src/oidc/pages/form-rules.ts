import { platformContract, MessageValidator } from '@rapport/contracts';
import type { AppError, FieldViolation } from '@rapport/platform';
import type { Texts } from '../../sign-in/texts/texts.js';

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

/** The first error of each field of a form, by the name of the field. */
export function problemsOf(violations: readonly FieldViolation[]): Record<string, FieldViolation> {
  const problems = violations.map((violation) => [violation.field.split('.').at(-1) ?? '', violation] as const);
  return Object.fromEntries(problems.reverse());
}

/** A sentence for a refused form. @param tenant undefined when the form asks for the workspace too */
export function refusalOf({ reason, message }: AppError, tenant?: object): (texts: Texts) => string {
  const key = reason === 'CREDENTIALS_WRONG' && !tenant ? 'WORKSPACE_OR_CREDENTIALS_WRONG' : reason;
  return ({ refusals }) => refusals[key] ?? message;
}
