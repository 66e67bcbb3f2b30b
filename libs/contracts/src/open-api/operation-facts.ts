import type { DescMessage } from '@bufbuild/protobuf';
import type { Contract, ContractMethod } from '../descriptors/load-contract.js';
import { FieldBehavior } from '../gen/google/api/field_behavior.js';
import { Agents } from '../gen/rapport/api/v1/options.js';
import { recordContracts } from '../records/record-contract.js';
import { costOf, type RestRoute } from '../rest/rest-route.js';
import { snakeCase } from '../values/letter-case.js';

type Json = Record<string, unknown>;

/** What the contract says about operations that OpenAPI has no word for, as its extensions. */
export class OperationFacts {
  /** The types of records by the singulars and plurals that end the names of methods. */
  readonly #types: ReadonlyMap<string, string>;

  constructor(private readonly contract: Contract) {
    const names = recordContracts(contract).flatMap(({ singular, plural }) => {
      const type = snakeCase(singular);
      return [singular, plural].map((name) => [upperFirst(name), type] as const);
    });
    this.#types = new Map(names);
  }

  of(route: RestRoute): Json {
    const { policy } = route.method;
    const events = this.#events(route.method);
    return {
      ...(policy.permission !== '' && { 'x-rapport-permission': policy.permission }),
      'x-rapport-cost': costOf(route.method),
      ...(policy.idempotent && { 'x-rapport-idempotent': true }),
      ...(events.length > 0 && { 'x-rapport-events': events }),
      ...(!isOfferedToAgents(this.contract, route) && { 'x-rapport-agents': 'NEVER' }),
    };
  }

  /** The events of the records that a method is named after. Records of other types can change with them. */
  #events({ name, policy }: ContractMethod): string[] {
    const [, verb = '', resource = ''] = /^(?:Batch)?([A-Z][a-z]+)([A-Z]\w*)$/.exec(name) ?? [];
    const type = this.#types.get(resource) ?? snakeCase(resource).replace(/^_/, '');
    const isLogged = this.#types.has(resource) || policy.invalidates.some((tag) => tag.split(':')[0] === type);
    return isLogged ? (eventsOfVerb[verb] ?? []).map((event) => `${type}.${event}`) : [];
  }
}

/** What methods do to the records that they are named after, by the verb of the name. */
const eventsOfVerb: Readonly<Record<string, readonly string[]>> = {
  Create: ['created'],
  Update: ['updated'],
  Upsert: ['created', 'updated'],
  Import: ['created', 'updated'],
  Delete: ['deleted'],
  Undelete: ['undeleted'],
  Merge: ['merged', 'updated'],
  Unmerge: ['undeleted', 'updated'],
  Erase: ['deleted'],
};

/**
 * Whether AI agents can be given the operation. They never get what the contract excludes by name, what needs no
 * credential of the user, files and streams, or a new credential.
 */
export function isOfferedToAgents(contract: Contract, { method, verb, bodyUsage, answerUsage }: RestRoute): boolean {
  const { agents, public: isPublic, internal } = method.policy;
  if (agents === Agents.NEVER || isPublic || internal) return false;
  if (bodyUsage === 'file' || bodyUsage === 'bytes' || answerUsage !== 'message') return false;
  // A credential is in the answer that creates it only: what GET answers never has it.
  return verb === 'GET' || !hasSecret(contract, method.desc.output, new Set());
}

function hasSecret(contract: Contract, message: DescMessage, known: Set<DescMessage>): boolean {
  if (known.has(message)) return false;
  known.add(message);
  return message.fields.some(
    (field) =>
      (contract.rules(field).secret && !contract.is(field, FieldBehavior.INPUT_ONLY)) ||
      (field.message !== undefined && hasSecret(contract, field.message, known)),
  );
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
