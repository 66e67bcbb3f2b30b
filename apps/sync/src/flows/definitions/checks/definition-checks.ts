import type { EntityManager } from '@mikro-orm/postgresql';
import { MessageValidator, pathSteps, platformContract, snakeCase } from '@rapport/contracts';
import type { FlowDefinition, FlowTrigger } from '@rapport/contracts/rapport/flows/v1/flow';
import type { FlowFault } from '@rapport/contracts/rapport/flows/v1/flows_service';
import { readForTenant } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import type { RecordFilters } from '../../../webhooks/events/record-filters.js';
import { definitionMessage } from '../definition-json.js';
import { startVariables, typeOfRecord } from '../variables.js';
import type { TenantMembers } from '../../approvals/tenant-members.js';
import { checkEnrollment } from './check-enrollment.js';
import { checkTrigger } from './check-trigger.js';
import { StepsCheck } from './check-steps.js';
import type { EnrollmentFilters } from './enrollment-filters.js';
import { fieldOf, Place, pointerOf, type Fault } from './faults.js';
import { allSteps, placedSteps } from './step-tree.js';
import type { TenantFields, TenantType } from './tenant-fields.js';
import { typesOf } from './used-types.js';

const maxFaults = 100;

/** Most types of records that a definition names, each of which is asked for: a workspace has at most 100 custom objects. */
const maxTypes = 150;

const tooManyTypes: Fault = {
  path: ['steps'],
  reason: 'TOO_MANY_ITEMS',
  description: `must name at most ${maxTypes} types of records`,
};

const validator = new MessageValidator(platformContract());

const none: ReadonlySet<string> = new Set();

interface CheckOptions {
  /** Whether other flows, secrets and approvers that it names have to exist. */
  isPublished?: boolean;
  /** By the names of its types, and of others; read when absent. */
  types?: ReadonlyMap<string, TenantType>;
  /** Keys of subflows that need not exist yet. */
  subflows?: ReadonlySet<string>;
}

/** Checks definitions of flows. */
export class DefinitionChecks {
  constructor(
    private readonly fields: TenantFields,
    private readonly filters: RecordFilters,
    private readonly customers: Pick<EnrollmentFilters, 'faults'>,
    private readonly members: Pick<TenantMembers, 'existing'>,
  ) {}

  /**
   * @param prefix of the definition in the request
   * @throws AppError INVALID_ARGUMENT that names each fault
   */
  async check(
    em: EntityManager,
    definition: FlowDefinition,
    prefix: string,
    options: Pick<CheckOptions, 'isPublished'> = {},
  ): Promise<void> {
    const faults = await this.#faults(em, definition, options);
    if (faults.length === 0) return;
    const violations = faults.map((fault) => ({ ...fault, field: fieldOf(fault, prefix) }));
    throw invalidArgument(violations.map(({ field, reason, description }) => ({ field, reason, description })));
  }

  /** The faults of a definition, which the contract has not checked yet. */
  async faults(em: EntityManager, definition: FlowDefinition): Promise<FlowFault[]> {
    const violations = validator.violations(definitionMessage, definition);
    if (violations.length > 0) {
      return violations.map(({ field, reason, description }) => ({
        ...{ field: pointerOf({ path: pathSteps(field) }), reason, description },
      }));
    }
    return (await this.#faults(em, definition, {})).map(faultMessage);
  }

  /**
   * What keeps each of these definitions from being published in the workspace of the caller.
   *
   * @param definitions without faults of their texts
   * @param subflows keys of flows that will exist besides those of the workspace
   */
  async faultsOfEach(
    em: EntityManager,
    definitions: readonly FlowDefinition[],
    subflows: ReadonlySet<string>,
  ): Promise<FlowFault[][]> {
    const types = new Map<string, TenantType>();
    const faults: FlowFault[][] = [];
    for (const definition of definitions) {
      const unread = typeNames(definition).filter((name) => !types.has(name));
      const read = await this.fields.of(unread);
      for (const name of unread) types.set(name, read.get(name));
      const found = await this.#faults(em, definition, { isPublished: true, types, subflows });
      faults.push(found.map(faultMessage));
    }
    return faults;
  }

  async #faults(em: EntityManager, definition: FlowDefinition, options: CheckOptions): Promise<Fault[]> {
    const { isPublished = false, types: known, subflows = none } = options;
    const names = typeNames(definition);
    if (names.length > maxTypes) return [tooManyTypes];
    const types = known ? new Map(names.map((name) => [name, known.get(name)])) : await this.fields.of(names);
    const faults = definitionFaults(definition, types);
    const trigger = definition.trigger;
    if (trigger && faults.length === 0) {
      faults.push(...(await this.#filterFaults(trigger)), ...(await this.customers.faults(definition)));
    }
    faults.push(...(await missingMappings(em, definition)));
    if (isPublished) {
      faults.push(...(await missingParts(em, definition, subflows)), ...(await this.#missingApprovers(definition)));
    }
    return faults.slice(0, maxFaults);
  }

  /** Approvers who are no users of the tenant: nobody could decide in their place. */
  async #missingApprovers({ steps }: FlowDefinition): Promise<Fault[]> {
    const named = placedSteps(steps).flatMap(({ path, step: { approve } }) =>
      (approve?.approverIds ?? []).map((id, index) => ({
        path: [...path, 'approve', 'approverIds', index],
        id: id.toLowerCase(),
      })),
    );
    if (named.length === 0) return [];
    const existing = await this.members.existing(currentCaller().tenantId, [...new Set(named.map(({ id }) => id))]);
    return named
      .filter(({ id }) => !existing.has(id))
      .map(({ path }) => ({ path, reason: 'USER_NOT_FOUND', description: 'must be the id of a user' }));
  }

  async #filterFaults({ record, timeField }: FlowTrigger): Promise<Fault[]> {
    const found = [
      { path: ['trigger', 'record', 'filter'], type: record?.type, filter: record?.filter },
      { path: ['trigger', 'record', 'beforeFilter'], type: record?.type, filter: record?.beforeFilter },
      { path: ['trigger', 'timeField', 'filter'], type: timeField?.type, filter: timeField?.filter },
    ];
    const { tenantId, hidesPii = false } = currentCaller();
    const faults = found.map(async ({ path, type, filter }): Promise<Fault[]> => {
      if (type === undefined || filter === undefined) return [];
      const recordType = snakeCase(type.split('/')[0] ?? '');
      try {
        await this.filters.check(tenantId, [{ recordType, filter }], hidesPii);
        return [];
      } catch (error) {
        if (!(error instanceof AppError) || error.violations.length === 0) throw error;
        return error.violations.map(({ reason, description }) => ({ path, reason, description }));
      }
    });
    return (await Promise.all(faults)).flat();
  }
}

function typeNames(definition: FlowDefinition): string[] {
  return [...new Set(typesOf(definition).map(({ type }) => type))];
}

function faultMessage({ reason, description, ...fault }: Fault): FlowFault {
  return { field: pointerOf(fault), reason, description };
}

/** The faults of a definition that its text and the tenant's fields show. */
export function definitionFaults(definition: FlowDefinition, types: ReadonlyMap<string, TenantType>): Fault[] {
  const { trigger, condition, steps, concurrency } = definition;
  const faults: Fault[] = [];
  const root = new Place([], faults);
  if (!trigger) {
    root.at('trigger').add('REQUIRED', 'is required');
    return faults;
  }
  const customFields = (type: string) => {
    const known = types.get(type);
    return known === 'MISSING' ? undefined : known;
  };
  for (const [type] of [...types].filter(([, known]) => known === 'MISSING')) {
    root.add('RECORD_TYPE_UNKNOWN', `${type} is no type of records`);
  }
  checkTrigger(root.at('trigger'), trigger, customFields);
  checkEnrollment(root, definition);
  if (faults.length > 0) return faults;
  const type = typeOfRecord(trigger);
  const variables = startVariables(trigger, type === undefined ? undefined : customFields(type));
  root.at('condition').expression(condition, variables, 'bool');
  root.at('concurrency', 'key').expression(concurrency?.key, variables);
  new StepsCheck(trigger, variables, customFields).check(root.at('steps'), steps);
  return faults;
}

/** Mappings of steps that the tenant does not have. */
async function missingMappings(em: EntityManager, definition: FlowDefinition): Promise<Fault[]> {
  const ids = allSteps(definition.steps).flatMap(({ connector }) => connector?.mappingId ?? []);
  const known = await namesIn(
    em,
    'select id::text as name from mapping where tenant_id = $1 and id::text = any ($2)',
    ids,
  );
  return ids
    .filter((id) => !known.has(id))
    .map((id) => ({
      path: ['steps'],
      reason: 'MAPPING_UNKNOWN',
      description: `name the mapping ${id}, which does not exist`,
    }));
}

/** Secrets and flows that a definition names and the tenant does not have. */
async function missingParts(
  em: EntityManager,
  { trigger, steps }: FlowDefinition,
  subflows: ReadonlySet<string>,
): Promise<Fault[]> {
  const all = allSteps(steps);
  const ofTrigger = trigger?.webhook?.secretName;
  const ofSteps = all.flatMap(({ http }) => http?.secretName ?? []);
  const knownSecrets = await namesIn(
    em,
    'select name from flow_secret where tenant_id = $1 and name = any ($2)',
    ofTrigger === undefined ? ofSteps : [ofTrigger, ...ofSteps],
  );
  const flows = all.flatMap(({ run }) => run?.flow ?? []).filter((key) => !subflows.has(key));
  const knownFlows = await namesIn(
    em,
    `select key as name from flow where tenant_id = $1 and key = any ($2) and definition -> 'trigger' ? 'subflow'`,
    flows,
  );
  const missing = (names: string[], known: ReadonlySet<string>, noun: string, reason: Fault['reason']): Fault[] =>
    names
      .filter((name) => !known.has(name))
      .map((name) => ({ path: ['steps'], reason, description: `name the ${noun} ${name}, which does not exist` }));
  const unsigned: Fault = {
    path: ['trigger', 'webhook', 'secretName'],
    reason: 'FLOW_SECRET_NOT_FOUND',
    description: `is ${ofTrigger}, which does not exist`,
  };
  return [
    ...(ofTrigger === undefined || knownSecrets.has(ofTrigger) ? [] : [unsigned]),
    ...missing(ofSteps, knownSecrets, 'secret', 'FLOW_SECRET_NOT_FOUND'),
    ...missing(flows, knownFlows, 'subflow', 'FLOW_NOT_FOUND'),
  ];
}

async function namesIn(em: EntityManager, sql: string, names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const rows = await readForTenant<{ name: string }>(em, { sql, values: [currentCaller().tenantId, names] });
  return new Set(rows.map(({ name }) => name));
}
