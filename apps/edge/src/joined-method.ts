import type { Contract } from '@rapport/contracts';

type ContractMethod = Contract['methods'][number];
type Descriptor = ContractMethod['desc']['input'];
type Field = Descriptor['fields'][number];
type Message = Record<string, unknown>;

/** Most records that one call gets. */
const maxIds = 100;

/** The method that gets several records at once, and how it stands to the one that gets one. */
export interface JoinedMethod {
  method: ContractMethod;
  /** The request field of the single read that names its record, as JSON. */
  id: string;
  /** The field of the joined answer that has the records, as JSON. Each has its `id`. */
  list: string;
  /** Most ids in one call. */
  maxIds: number;
  /** Whether a request of the single read says nothing but its id. */
  isJoinable: (message: Message) => boolean;
}

/**
 * What `joined_by` of a method's policy means; undefined when it is not set.
 *
 * @throws Error when there is no such method, or none of the form that the option demands
 */
export function joinedMethod(contract: Contract, single: ContractMethod): JoinedMethod | undefined {
  const { policy, service, desc, path } = single;
  if (policy.joinedBy === '') return undefined;
  const method = contract.method(`/${service.typeName}/${policy.joinedBy}`);
  const fail = (demand: string): never => {
    throw new Error(`${path}: joined_by ${policy.joinedBy}: ${demand}.`);
  };
  if (!method) return fail('the service has no such method with a policy');
  if (isStream(method) || isStream(single)) return fail('neither method may have a stream');
  if (method.policy.permission !== policy.permission || method.policy.public !== policy.public)
    return fail('both methods must need the same permission');
  const ids = fieldOf(method.desc.input, 'ids');
  if (ids?.fieldKind !== 'list' || ids.listKind !== 'scalar')
    return fail('its request must have `repeated string ids`');
  const list = listOf(method.desc.output, desc.output);
  if (!list) return fail('its answer must have one list of the record');
  const id = fieldOf(desc.input, 'id');
  if (!id || !fieldOf(desc.output, 'id')) return fail('request and record must have an `id`');
  const others = desc.input.fields.filter((field) => field !== id).map(({ jsonName }) => jsonName);
  return {
    method,
    id: id.jsonName,
    list: list.jsonName,
    maxIds: Math.min(maxIds, contract.rules(ids).maxItems ?? maxIds),
    isJoinable: (message) => others.every((name) => isAbsent(message[name])),
  };
}

function fieldOf(message: Descriptor, field: string): Field | undefined {
  return message.fields.find(({ name }) => name === field);
}

/** The one field that has a list of records. */
function listOf(answer: Descriptor, record: Descriptor): Field | undefined {
  const [list, ...others] = answer.fields.filter(({ message }) => message?.typeName === record.typeName);
  return list?.fieldKind === 'list' && others.length === 0 ? list : undefined;
}

function isStream({ requestStream, responseStream }: ContractMethod): boolean {
  return requestStream || responseStream;
}

function isAbsent(value: unknown): boolean {
  return (
    value === undefined ||
    value === '' ||
    value === 0 ||
    value === false ||
    (Array.isArray(value) && value.length === 0)
  );
}
