import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import {
  countryCodes,
  enumNames,
  feedTypes,
  groupName,
  recordContracts,
  resourceCollections,
  restRoutes,
  snakeCase,
  type Contract,
  type RestRoute,
} from '@rapport/contracts';
import { FieldBehavior } from '@rapport/contracts/google/api/field_behavior';
import { Format, type FieldRules } from '@rapport/contracts/rapport/api/v1/options';
import type { ContractFile, EnumValue, Field, FieldType, Operation } from '../src/contract/contract.ts';
import { nameOf } from './names.ts';
import { resourcesOf } from './resources.ts';

/** The facts of a contract that the console is derived from. */
export function contractFile(contract: Contract): ContractFile {
  const routes = restRoutes(contract);
  const records = recordContracts(contract);
  const fields = new Fields(contract);
  const operations = routes.map((route) => operationOf(contract, route, fields));
  const resources = resourcesOf(routes, operations, records);
  const { messages, enums } = fields;
  const types = [...feedTypes(contract).keys()];
  return { operations, resources, messages, enums, feedTypes: types, countries: countryCodes() };
}

function operationOf(contract: Contract, route: RestRoute, fields: Fields): Operation {
  const { method, answerUsage, bodyUsage, isEmpty } = route;
  const { body } = route.fields;
  const inPart = (place: 'path' | 'query' | 'header', list: readonly DescField[]) =>
    list.map((field) => ({
      ...fields.field(field),
      in: place,
      ...(place === 'path' ? { required: true as const } : {}),
    }));
  const isFile = bodyUsage === 'bytes' || bodyUsage === 'file';
  return {
    id: operationId(method.name),
    verb: route.verb,
    path: route.path.template,
    group: groupName(method.service),
    summary: firstSentence(contract.comment(method.desc)),
    permission: method.policy.permission,
    cost: method.policy.cost || 1,
    parameters: [
      ...inPart('path', route.fields.path),
      ...inPart('query', route.fields.query),
      ...route.fields.header.map(({ name, field }) => ({ ...fields.field(field), name, in: 'header' as const })),
    ],
    ...(body?.message && { bodyUsage: isFile ? 'file' : bodyUsage }),
    ...(body?.message && !isFile && { body: fields.message(body.message) }),
    ...(isEmpty || answerUsage === 'file' ? {} : { answer: fields.message(method.desc.output) }),
    answerUsage: isEmpty ? 'empty' : answerUsage,
  };
}

function operationId(method: string): string {
  return method.charAt(0).toLowerCase() + method.slice(1);
}

/** Fields of the messages and values of the enums that the operations name. */
class Fields {
  readonly messages: Record<string, Field[]> = {};
  readonly enums: Record<string, EnumValue[]> = {};
  readonly #contract: Contract;
  /** Names of resources by their types, such as `customers` by `rapport/Customer`. */
  readonly #resources: ReadonlyMap<string, string>;

  constructor(contract: Contract) {
    this.#contract = contract;
    this.#resources = resourceCollections(contract);
  }

  /** The name of a message, whose fields are noted. */
  message(desc: DescMessage): string {
    // Noted before its fields are read: messages can contain themselves.
    const name = nameOf(desc);
    if (!this.messages[name]) {
      this.messages[name] = [];
      this.messages[name] = desc.fields.map((field) => this.field(field));
    }
    return name;
  }

  field(desc: DescField): Field {
    const isA = (behavior: FieldBehavior) => this.#contract.is(desc, behavior);
    const resource = this.#resources.get(this.#contract.reference(desc) ?? '') ?? this.#named(desc);
    const comment = this.#contract.comment(desc);
    const help = plainHelp(desc, firstSentence(comment));
    const usual = defaultOf(desc, comment);
    const keys = this.#keysOf(desc);
    const { type, of } = this.#type(desc);
    return {
      name: desc.jsonName,
      type,
      ...(of !== undefined && { of }),
      ...(desc.fieldKind === 'list' && { list: true }),
      ...(isA(FieldBehavior.REQUIRED) && { required: true }),
      ...(isA(FieldBehavior.OUTPUT_ONLY) && { output: true }),
      ...(isA(FieldBehavior.IMMUTABLE) && { once: true }),
      ...(resource !== undefined && { reference: resource }),
      ...(keys !== undefined && { keys }),
      ...rulesOf(desc.name, this.#contract.rules(desc)),
      ...(usual !== undefined && { default: usual }),
      ...(help !== '' && { help }),
    };
  }

  /** The collection that the name of an id ends with: `templates` for `auto_reply_template_id`. */
  #named(desc: DescField): string | undefined {
    if (this.#contract.rules(desc).format !== Format.UUID) return undefined;
    const [, name = ''] = /^(\w+)_ids?$/.exec(desc.name) ?? [];
    const words = name.split('_').map(capital);
    return words.map((_, index) => this.#resources.get(`rapport/${words.slice(index).join('')}`)).find(Boolean);
  }

  /** The collection whose items have the key that a field holds: `topics` for `topic_key`, `ticketStatuses` for `Ticket.status`. */
  #keysOf(desc: DescField): string | undefined {
    const { name, parent, scalar } = desc;
    if (scalar !== ScalarType.STRING) return undefined;
    if (name === 'stage' && parent.fields.some((each) => each.name === 'pipeline_id')) return 'pipelines';
    const [, owner] = /^(\w+)_keys?$/.exec(name) ?? [];
    return this.#resources.get(`rapport/${owner === undefined ? parent.name + capital(name) : capital(owner)}`);
  }

  #type(desc: DescField): { type: FieldType; of?: string } {
    const { message, enum: values } = desc;
    if (values) {
      const of = nameOf(values);
      this.enums[of] ??= enumNames(values).map((name) => ({ name }));
      return { type: 'enum', of };
    }
    if (message) {
      const known = knownMessages[message.typeName];
      return known ? { type: known } : { type: 'message', of: this.message(message) };
    }
    if (desc.fieldKind === 'map') throw new Error(`${desc.parent.typeName}.${desc.name}: maps are not supported.`);
    return { type: this.#contract.rules(desc).format === Format.DATE ? 'date' : (scalars[desc.scalar] ?? 'int') };
  }
}

/** Words that say nothing beside the names of a field and its record: `The deal that the quote is for`. */
const emptyWords = /^(?:an?|the|its?|this|that|which|who|whose|is|are|has|of|for|in|on|as|to|and|gets)$/;

/** A sentence without the form of a code, which is chosen. Empty for one that only repeats names. */
function plainHelp({ name, parent }: DescField, sentence: string): string {
  const help = sentence.replace(/(?:^|, as an? )(?:ISO 4217 code|BCP 47 tag|ISO 3166-1 alpha-2 code|IANA [\w ]+)$/, '');
  const named = new Set(`${name} ${snakeCase(parent.name)}`.toLowerCase().split('_').join(' ').split(' '));
  const words = help.toLowerCase().match(/[a-z0-9-]+/g) ?? [];
  return words.every((word) => emptyWords.test(word) || named.has(word)) ? '' : help;
}

/** `OWN` of an enum whose comment says `Defaults to OWN.` */
function defaultOf({ enum: values, fieldKind }: DescField, comment: string): string | undefined {
  const [, name] = /\bDefaults to `?([A-Z][A-Z_0-9]*)`?\.(?:\s|$)/.exec(comment) ?? [];
  return values && fieldKind === 'enum' ? enumNames(values).find((each) => each === name) : undefined;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Of codes and names of one kind, and of nothing else. */
const codePatterns: Readonly<Record<string, Field['code']>> = {
  '^[A-Z]{3}$': 'currency',
  '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$': 'timeZone',
  '^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$': 'language',
  '^[a-z][A-Za-z]*(\\.[a-z][a-z0-9_]{0,59})?\\.[a-z]+$': 'permission',
  '^(\\*|[a-z][a-z_]*\\.(\\*|[a-z]+))$': 'eventType',
};

/** What a text is a code of. The service checks a locale itself, so it has a length only. */
function codeOf(name: string, { format, pattern, maxLength }: FieldRules): Field['code'] {
  if (format === Format.COUNTRY_CODE) return 'country';
  return name === 'locale' && maxLength === 35 ? 'language' : codePatterns[pattern ?? ''];
}

function rulesOf(name: string, rules: FieldRules): Partial<Field> {
  const { pii, secret, maxLength } = rules;
  const code = codeOf(name, rules);
  return {
    ...(pii && { personal: true }),
    ...(secret && { secret: true }),
    ...(code && { code }),
    ...(maxLength !== undefined && { maxLength }),
  };
}

const knownMessages: Readonly<Record<string, FieldType>> = {
  'google.protobuf.Timestamp': 'time',
  'google.protobuf.Struct': 'object',
  'google.protobuf.FieldMask': 'mask',
  'google.api.HttpBody': 'bytes',
};

const scalars: Readonly<Partial<Record<ScalarType, FieldType>>> = {
  [ScalarType.STRING]: 'text',
  [ScalarType.BOOL]: 'bool',
  [ScalarType.BYTES]: 'bytes',
  [ScalarType.DOUBLE]: 'number',
  [ScalarType.FLOAT]: 'number',
};

function firstSentence(comment: string): string {
  const [sentence = ''] = comment.split(/(?<=\.)\s/, 1);
  return sentence.replace(/\.$/, '');
}
