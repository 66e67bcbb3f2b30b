import { JsonCodec, platformContract, recordContracts, type Contract, type RecordContract } from '@rapport/contracts';
import { EffectError } from './effect-port.js';

type ContractMethod = Contract['methods'][number];

/** A method, with the codecs between its messages and JSON. */
export interface JsonMethod {
  path: string;
  desc: ContractMethod['desc'];
  input: JsonCodec;
  output: JsonCodec;
}

type Verb = 'get' | 'list' | 'create' | 'update' | 'delete' | 'undelete' | 'upsert';

/** A type of records that steps name, such as `deal`, with the methods that it has. */
export interface StepType {
  /** As in steps, such as `objectRecord/subscription`. */
  name: string;
  contract: RecordContract;
  /** Fields of requests that name the custom object. */
  parent: { object: string } | undefined;
  /** @throws EffectError for a type whose records only the service writes */
  method: (verb: Verb | 'history') => JsonMethod;
}

const codecs = new Map<string, JsonCodec>();
const contract = platformContract();
const types = new Map(recordContracts(contract).map((type) => [type.singular, type]));
const byName = new Map(contract.methods.map((method) => [method.name, method]));

/** @throws EffectError FINAL RECORD_TYPE_UNKNOWN */
export function stepType(name: string): StepType {
  const [singular = '', object] = name.split('/');
  const type = types.get(singular);
  if (!type || (type.parent !== undefined) !== (object !== undefined)) {
    throw new EffectError('RECORD_TYPE_UNKNOWN', `There are no records of the type ${name}.`, 'FINAL');
  }
  const parent = object === undefined ? undefined : { object };
  return { name, contract: type, parent, method: (verb) => methodOf(type, verb) };
}

/** A method that no type of records has, by its full gRPC path. */
export function jsonMethod(path: string): JsonMethod {
  const method = contract.method(path);
  if (!method) throw new Error(`The contract lacks ${path}.`);
  const { desc } = method;
  return { path, desc, input: JsonCodec.of(desc.input, codecs), output: JsonCodec.of(desc.output, codecs) };
}

function methodOf({ message, singular, plural }: RecordContract, verb: Verb | 'history'): JsonMethod {
  const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  const name =
    verb === 'history'
      ? `List${message.name}History`
      : `${capital(verb)}${verb === 'list' ? capital(plural) : message.name}`;
  const method = byName.get(name);
  if (method) return jsonMethod(method.path);
  throw new EffectError('RECORD_TYPE_READ_ONLY', `Steps can not write records of the type ${singular}.`, 'FINAL');
}
