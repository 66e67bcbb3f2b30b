import {
  platformContract,
  recordContracts,
  serviceDefinitions,
  type Contract,
  type RecordContract,
} from '@rapport/contracts';
import { exchangedFields, fixedFields, type ExchangedField } from './exchanged-fields.js';

/** What an exchange does with records. */
const verbs = ['get', 'list', 'batchGet', 'create', 'update', 'delete', 'undelete'] as const;

type Verb = (typeof verbs)[number];

/** The codecs of one method. */
export interface RecordMethod {
  path: string;
  /** A request with nothing in it. */
  emptyRequest: () => object;
}

/** A type of Rapport's records that can be exchanged: callers write its records, by the standard service. */
export interface ExchangedType {
  /** As resource names have it, such as `deals`. */
  object: string;
  /** Such as `deal`, which is also the name of the record in requests. */
  singular: string;
  /** As the change log names it, such as `deal`. */
  changeType: string;
  readPermission: string;
  writePermission: string;
  /** Whether the contract marks any of its fields as personal, or tenants may define fields that are. */
  hasPersonalData: boolean;
  methods: Readonly<Record<Verb, RecordMethod>>;
  /** A record with nothing in it. */
  emptyRecord: () => object;
  /** By name. */
  fields: ReadonlyMap<string, ExchangedField>;
  /** Type of the record as references name it, such as `rapport/Deal`. */
  type: string;
  hasCustomFields: boolean;
  /** Names and options of fields whose value the mapping says for all its records. */
  fixed: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** The type that mappings without one have. */
export const defaultObject = 'customers';

/** The types that can be exchanged, by `object`. */
export const exchangedTypes: ReadonlyMap<string, ExchangedType> = typesOf(platformContract());

/** Names of the change log for types that define what records of others may hold, such as `pipeline` and `custom_field`. */
export const definitionChangeTypes: ReadonlySet<string> = new Set([
  'custom_field',
  ...recordContracts(platformContract()).flatMap((type) => (type.options.configuration ? [changeTypeOf(type)] : [])),
]);

/** @throws Error for a type that is not exchanged */
export function exchangedType(object: string): ExchangedType {
  const type = exchangedTypes.get(object);
  if (type) return type;
  throw new Error(`There are no records of the type ${object} to exchange.`);
}

export function typesOf(of: Contract): ReadonlyMap<string, ExchangedType> {
  const types = recordContracts(of).flatMap((type) => exchangedTypeOf(type) ?? []);
  return new Map(types.map((type) => [type.object, type]));
}

/** Undefined for a type whose records only the service writes. */
function exchangedTypeOf(type: RecordContract): ExchangedType | undefined {
  const { message, singular, plural, options } = type;
  const name = (verb: Verb) =>
    `${capital(verb)}${verb === 'list' || verb === 'batchGet' ? capital(plural) : message.name}`;
  const codes = serviceDefinitions.flatMap((service) => Object.values(service));
  const found = verbs.map((verb) => codes.find(({ path }) => path.endsWith(`/${name(verb)}`)));
  if (options.readOnly || found.includes(undefined)) return undefined;
  const empty = Buffer.alloc(0);
  const methods = verbs.map((verb, place) => {
    const { path = '', requestDeserialize } = found[place] ?? {};
    return [verb, { path, emptyRequest: () => requestDeserialize?.(empty) as object }] as const;
  });
  const fields = exchangedFields(type);
  return {
    ...{ object: plural, singular, type: type.type, changeType: changeTypeOf(type) },
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

function changeTypeOf({ singular }: RecordContract): string {
  return singular.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
