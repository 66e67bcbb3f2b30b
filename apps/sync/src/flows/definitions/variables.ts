import { platformContract, recordContracts, type RecordContract } from '@rapport/contracts';
import {
  celValues,
  recordType,
  timestampType,
  type CelType,
  type ExpressionField,
  type ObjectType,
} from '@rapport/contracts/expressions';
import {
  FlowParameterType,
  type FlowDefinition,
  type FlowParameter,
  type FlowTrigger,
} from '@rapport/contracts/rapport/flows/v1/flow';

/** Types of records by their names in definitions: the singular, without the custom object. */
const types: ReadonlyMap<string, RecordContract> = new Map(
  recordContracts(platformContract()).map((type) => [type.singular, type]),
);

/** @param type of records, such as `deal` or `objectRecord/subscription`; undefined for one that does not exist */
export function recordTypeNamed(type: string): RecordContract | undefined {
  const [singular = '', object] = type.split('/');
  const found = types.get(singular);
  return found && (found.parent !== undefined) === (object !== undefined) ? found : undefined;
}

/** The type of the records that runs are about. */
export function typeOfRecord({ record, timeField, manual, segment }: FlowTrigger): string | undefined {
  return record?.type ?? timeField?.type ?? manual?.type ?? (segment && 'customer');
}

/** The inputs that a trigger declares. */
function inputsOf({ manual, subflow }: FlowTrigger): readonly FlowParameter[] {
  return manual?.inputs ?? subflow?.inputs ?? [];
}

const change: ObjectType = {
  name: 'Change',
  fields: { operation: 'string', changedFields: 'list<string>', time: timestampType, actor: 'string' },
};

/**
 * The variables of the conditions of a definition, which steps have too.
 *
 * @param definitions of the custom fields of the type of the records. Without them, custom fields have any type
 */
export function startVariables(
  trigger: FlowTrigger,
  definitions?: readonly ExpressionField[],
): Record<string, CelType> {
  const type = typeOfRecord(trigger);
  const contract = type === undefined ? undefined : recordTypeNamed(type);
  const record = contract && recordType(contract, definitions);
  return {
    ...(record && { record }),
    ...(record && trigger.record && { before: record, change }),
    input: inputType(trigger),
    now: timestampType,
  };
}

function inputType(trigger: FlowTrigger): CelType {
  if (trigger.webhook) return { name: 'Input', fields: { body: 'dyn' } };
  const inputs = inputsOf(trigger);
  return { name: 'Input', fields: Object.fromEntries(inputs.map(({ key, type }) => [key, parameterType(type)])) };
}

function parameterType(type: FlowParameterType): CelType {
  switch (type) {
    case FlowParameterType.TEXT:
      return 'string';
    case FlowParameterType.NUMBER:
      return 'double';
    case FlowParameterType.BOOLEAN:
      return 'bool';
    case FlowParameterType.TIME:
      return timestampType;
    default:
      return 'dyn';
  }
}

const variablesOf = new WeakMap<FlowDefinition, Record<string, CelType>>();

/** What expressions of a definition read, with the types that CEL has for times and whole numbers of records. */
export function runValues(
  definition: FlowDefinition,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const variables = variablesOf.get(definition) ?? {
    ...(definition.trigger && startVariables(definition.trigger)),
    index: 'int',
  };
  variablesOf.set(definition, variables);
  return celValues(values, variables);
}
