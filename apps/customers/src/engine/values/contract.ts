import { platformContract, MessageValidator } from '@rapport/contracts';

/** The platform's contract. Read once for the process, which takes some 20 to 50 milliseconds. */
export const contract = platformContract();

export const validator = new MessageValidator(contract);

/** @param path full gRPC path of a method, as its service definition has it */
export function methodDescriptor(path: string) {
  const method = contract.method(path);
  if (!method) throw new Error(`The contract lacks ${path}.`);
  return method.desc;
}

/**
 * Checks one message of a client stream. `ServiceEntry` checks unary requests only, so handlers of streams call this.
 *
 * @param path full gRPC path of the method
 * @throws AppError INVALID_ARGUMENT that names each wrong field
 */
export function checkRequest(path: string, message: object): void {
  validator.check(methodDescriptor(path).input, message);
}
