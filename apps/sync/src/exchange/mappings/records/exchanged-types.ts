import {
  platformContract,
  recordContracts,
  snakeCase,
  serviceDefinitions,
  type Contract,
  type RecordContract,
} from '@rapport/contracts';
import { exchangedFields, fixedFields, type ExchangedField } from './exchanged-fields.js';

/** Standard methods that an exchange calls. */
const verbs = ['get', 'list', 'batchGet', 'create', 'update', 'delete', 'undelete'] as const;

type Verb = (typeof verbs)[number];

/** The codecs of one method. */
export interface RecordMethod {
  path: string;
  /** An empty request. */
  emptyRequest: () => object;
}

/** A type of Rapport's records that can be exchanged: callers can write its records with the standard methods. */
export interface ExchangedType {
  /** Plural in resource names, such as `deals`. */
  object: string;
  /** Singular, such as `deal`, which is also the name of the record in requests. */
  singular: string;
  /** Type in the change log, such as `deal`. */
  changeType: string;
  readPermission: string;
  writePermission: string;
  /** Whether the contract marks any of its fields as personal, or tenants can define such fields. */
  hasPersonalData: boolean;
  methods: Readonly<Record<Verb, RecordMethod>>;
  /** An empty record. */
  emptyRecord: () => object;
  /** By name. */
  fields: ReadonlyMap<string, ExchangedField>;
  /** Type of the record in references, such as `rapport/Deal`. */
  type: string;
  hasCustomFields: boolean;
  /** Names and options of the fields with one value for all records of a mapping. */
  fixed: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** The type of mappings without an explicit one. */
export const defaultObject = 'customers';

/** The types that can be exchanged, by `object`. */
export const exchangedTypes: ReadonlyMap<string, ExchangedType> = typesOf(platformContract());

/** Types in the change log that define valid values of other records, such as `pipeline` and `custom_field`. */
export const definitionChangeTypes: ReadonlySet<string> = new Set([
  'custom_field',
  ...recordContracts(platformContract()).flatMap((type) =>
    type.options.configuration ? [snakeCase(type.singular)] : [],
  ),
]);

/** @throws Error for a type that cannot be exchanged */
export function exchangedType(object: string): ExchangedType {
  const type = exchangedTypes.get(object);
  if (type) return type;
  throw new Error(`There are no records of the type ${object} to exchange.`);
}

export function typesOf(of: Contract): ReadonlyMap<string, ExchangedType> {
  const codecs = codecsByName();
  const types = recordContracts(of).flatMap((type) => exchangedTypeOf(type, codecs) ?? []);
  return new Map(types.map((type) => [type.object, type]));
}

type MethodCodecs = (typeof serviceDefinitions)[number][string];

/** The codecs of all methods by name, such as `GetDeal`: the standard methods of a type have names that no other method has. */
function codecsByName(): ReadonlyMap<string, MethodCodecs> {
  const codecs = serviceDefinitions.flatMap((service) => Object.values(service));
  return new Map(codecs.map((each) => [each.path.slice(each.path.lastIndexOf('/') + 1), each]));
}

/** Undefined for a type whose records only the service writes. */
function exchangedTypeOf(type: RecordContract, codecs: ReadonlyMap<string, MethodCodecs>): ExchangedType | undefined {
  const { message, singular, plural, options } = type;
  const name = (verb: Verb) =>
    `${capital(verb)}${verb === 'list' || verb === 'batchGet' ? capital(plural) : message.name}`;
  const found = verbs.map((verb) => codecs.get(name(verb)));
  if (options.readOnly || found.includes(undefined)) return undefined;
  const empty = Buffer.alloc(0);
  const methods = verbs.map((verb, place) => {
    const { path = '', requestDeserialize } = found[place] ?? {};
    return [verb, { path, emptyRequest: () => requestDeserialize?.(empty) as object }] as const;
  });
  const fields = exchangedFields(type);
  return {
    ...{ object: plural, singular, type: type.type, changeType: snakeCase(singular) },
    readPermission: `${type.permission}.read`,
    writePermission: type.writePermission,
    hasPersonalData: options.customFields || [...fields.values()].some(({ isPersonal }) => isPersonal),
    methods: Object.fromEntries(methods) as unknown as ExchangedType['methods'],
    emptyRecord: () => found[0]?.responseDeserialize(empty) as object,
    fields,
    hasCustomFields: options.customFields,
    fixed: fixedFields(type),
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
