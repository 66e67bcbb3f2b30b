import { platformContract, MessageValidator, recordContracts, type RecordContract } from '@rapport/contracts';

/** The platform's contract. Read once per process, which takes some 20 to 50 milliseconds. */
export const contract = platformContract();

export const validator = new MessageValidator(contract);

const records: ReadonlyMap<string, RecordContract> = new Map(
  recordContracts(contract).map((each) => [each.type, each]),
);

/** @param type of the resource, such as `rapport/Customer` */
export function recordContract(type: string): RecordContract {
  const found = records.get(type);
  if (!found) throw new Error(`The contract has no records of the type ${type}.`);
  return found;
}

/** @param path full gRPC path of a method, from its service definition */
export function methodDescriptor(path: string) {
  const method = contract.method(path);
  if (!method) throw new Error(`The contract lacks ${path}.`);
  return method.desc;
}

/**
 * Validates one message of a client stream. `ServiceEntry` validates unary requests only, so handlers of streams call
 * this.
 *
 * @param path full gRPC path of the method
 * @throws AppError INVALID_ARGUMENT that names each invalid field
 */
export function checkRequest(path: string, message: object): void {
  validator.check(methodDescriptor(path).input, message);
}
