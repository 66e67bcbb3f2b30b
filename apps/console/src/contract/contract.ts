import type { ContractFile, Field, Operation, Resource } from './contract-file.ts';

/** The contract as the console asks it. */
export class Contract {
  readonly resources: readonly Resource[];
  readonly operations: readonly Operation[];
  readonly #file: ContractFile;
  readonly #operations: ReadonlyMap<string, Operation>;
  readonly #resources: ReadonlyMap<string, Resource>;

  constructor(file: ContractFile) {
    this.#file = file;
    this.operations = file.operations;
    this.resources = file.resources;
    this.#operations = new Map(file.operations.map((each) => [each.id, each]));
    this.#resources = new Map(file.resources.map((each) => [each.name, each]));
  }

  /** @throws Error for an id that the contract lacks */
  operation(id: string): Operation {
    const operation = this.#operations.get(id);
    if (!operation) throw new Error(`The contract has no operation ${id}.`);
    return operation;
  }

  hasOperation(id: string): boolean {
    return this.#operations.has(id);
  }

  /** @param name such as `customers` or `objects/{object}/records` */
  resource(name: string): Resource | undefined {
    return this.#resources.get(name);
  }

  /** Fields of a message; none for one that the contract lacks. */
  fields(message: string | undefined): readonly Field[] {
    return this.#file.messages[message ?? ''] ?? [];
  }

  field(message: string, name: string): Field | undefined {
    return this.fields(message).find((field) => field.name === name);
  }

  enumValues(name: string | undefined): readonly { name: string; help?: string }[] {
    return this.#file.enums[name ?? ''] ?? [];
  }
}

let contract: Contract | undefined;

/** Reads the contract, which has the immutable name of its content. Called once, before the first screen. */
export async function loadContract(): Promise<void> {
  const { default: url } = await import('../gen/contract.json?url');
  const response = await fetch(url);
  contract = new Contract((await response.json()) as ContractFile);
}

export function isContractLoaded(): boolean {
  return contract !== undefined;
}

/** @throws Error before `loadContract` has ended */
export function theContract(): Contract {
  if (!contract) throw new Error('The contract is not loaded.');
  return contract;
}
