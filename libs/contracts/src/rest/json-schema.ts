import { ScalarType, type DescEnum, type DescEnumValue, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import type { Contract } from '../descriptors/load-contract.js';
import { isFieldMask, isReadMask, isStruct, isTimestamp, isUpdateMask } from '../descriptors/well-known.js';
import { FieldBehavior } from '../gen/google/api/field_behavior.js';
import { FieldRules } from '../gen/rapport/api/v1/options.js';
import { textFormat } from '../rules/formats.js';
import { resourceList } from '../rules/read-mask.js';
import { problemSchema } from '../open-api/problems.js';
import { enumNames } from './enum-names.js';
import { problemForm } from './problem-message.js';

/** A JSON Schema of draft 2020-12, as far as OpenAPI 3.1 and Ajv agree on it. */
export type JsonSchema = Record<string, unknown>;

/**
 * What a message is used for: `output` is an answer, `input` a body that creates, `patch` a body of which every field is
 * optional and null clears, `item` an input of which the handler checks the values: names, types and times only. `view` is an
 * answer of which the caller chooses the fields, and `views` one with a list of such.
 */
export type Usage = 'output' | 'view' | 'views' | 'input' | 'patch' | 'item';

/** Annotations of schemas that validation does not need. */
export interface SchemaDocument {
  /** The description of what a schema is made of. */
  describe: (desc: DescMessage | DescField | DescEnum | DescEnumValue) => string;
  /** Extensions of OpenAPI. */
  facts: (desc: DescMessage | DescField, usage: Usage) => JsonSchema;
}

/** Builds the JSON Schemas of messages and fields. The same source serves validation and documents. */
export class JsonSchemas {
  /**
   * @param reference how a message within another one is given: a `$ref`, or its schema in place
   * @param document what documents say beyond the schemas; undefined without a document
   */
  constructor(
    private readonly contract: Contract,
    private readonly reference: (schemas: JsonSchemas, message: DescMessage, usage: Usage) => JsonSchema,
    private readonly document?: SchemaDocument,
  ) {}

  /** The schema of a message. Fields that a caller may not set have the schema `false` in `input` and `patch`. */
  message(desc: DescMessage, usage: Usage): JsonSchema {
    if (isAnswer(usage) && problemForm(desc)) return problemSchema;
    const fields = desc.fields.filter(({ message }) => !isFieldMask(message));
    const required = fields.filter((field) => this.#isRequired(field, usage)).map((field) => field.jsonName);
    return {
      type: 'object',
      ...this.#documented(desc, usage),
      properties: Object.fromEntries(fields.map((field) => [field.jsonName, this.#property(field, usage)])),
      ...(required.length > 0 ? { required } : {}),
      ...(isAnswer(usage) ? {} : { additionalProperties: false }),
      ...(usage === 'patch' ? { minProperties: 1 } : {}),
    };
  }

  /** The schema of one field's value, such as a query parameter. */
  field(field: DescField, usage: Usage): JsonSchema {
    const documented = this.#documented(field, usage);
    if (field.fieldKind === 'map') throw new Error(`${field.parent.typeName}.${field.name}: maps are not supported.`);
    if (field.fieldKind !== 'list') return { ...this.#value(field, usage), ...documented };
    const { minItems, maxItems } = this.#rules(field, usage);
    return {
      type: 'array',
      items: this.#value(field, usage),
      ...(minItems === undefined ? {} : { minItems }),
      ...(maxItems === undefined ? {} : { maxItems }),
      ...documented,
    };
  }

  /** JSON names of the fields that an input must have. */
  requiredNames(fields: readonly DescField[]): string[] {
    return fields.filter((field) => this.#isRequired(field, 'input')).map((field) => field.jsonName);
  }

  #property(field: DescField, usage: Usage): JsonSchema | false {
    if (!isAnswer(usage) && isReadOnly(this.contract, field, usage)) return false;
    const schema = this.field(field, usage);
    if (isAnswer(usage))
      return this.contract.is(field, FieldBehavior.OUTPUT_ONLY) ? { ...schema, readOnly: true } : schema;
    return this.contract.is(field, FieldBehavior.REQUIRED) ? schema : nullable(schema);
  }

  #isRequired(field: DescField, usage: Usage): boolean {
    if (usage === 'patch' || usage === 'item' || usage === 'view') return false;
    if (usage === 'input') return this.contract.is(field, FieldBehavior.REQUIRED);
    return field.fieldKind === 'list' || (field.presence === FeatureSet_FieldPresence.IMPLICIT && !field.enum);
  }

  #value(field: DescField, usage: Usage): JsonSchema {
    const rules = this.#rules(field, usage);
    const example = rules.example === '' ? {} : { examples: [JSON.parse(rules.example) as unknown] };
    if (isTimestamp(field.message)) {
      // Also in an item: a text that is no time has no form between processes.
      return { type: 'string', format: 'date-time', examples: ['2026-01-31T09:30:00.000Z'] };
    }
    if (isStruct(field.message)) {
      return { type: 'object', additionalProperties: true, ...checksOfOurOwn(field, rules, usage), ...example };
    }
    // A mask that is no parameter has no place in a schema, and an update's is made of its body.
    if (isReadMask(field)) return { type: 'string', minLength: 1, maxLength: maxReadMaskLength, storable: true };
    if (field.message) {
      const reference = this.reference(this, field.message, usageWithin(field, rules, usage));
      // Examples are what callers send: an answer has fields of the server too.
      return isAnswer(usage) ? reference : { ...reference, ...example };
    }
    if (field.enum) return { type: 'string', enum: enumNames(field.enum), ...example };
    return { ...scalarSchema(field, rules), ...checksOfOurOwn(field, rules, usage), ...example };
  }

  #rules(field: DescField, usage: Usage): FieldRules {
    const rules = this.contract.rules(field);
    return usage === 'item' ? FieldRules.fromPartial({ example: rules.example }) : rules;
  }

  /** The meanings of the values of an enum, as a list. */
  valueMeanings(desc: DescEnum): string | undefined {
    const { document } = this;
    return (
      document &&
      desc.values
        .flatMap((value) => (value.number === 0 ? [] : [`- \`${value.localName}\`: ${document.describe(value)}`]))
        .join('\n')
    );
  }

  #documented(desc: DescMessage | DescField, usage: Usage): JsonSchema {
    const { document } = this;
    if (!document) return {};
    const values = desc.kind === 'field' && desc.enum ? this.valueMeanings(desc.enum) : undefined;
    const description = [document.describe(desc), ...(values === undefined ? [] : [values])].join('\n\n').trim();
    return { ...(description !== '' && { description }), ...document.facts(desc, usage) };
  }
}

/** Longest text of a read mask, in characters. */
const maxReadMaskLength = 1_000;

function isAnswer(usage: Usage): boolean {
  return usage === 'output' || usage === 'view' || usage === 'views';
}

/**
 * Only the outermost resource of an update is partial, and a message beside an update mask, such as the changes of a move; what it contains is replaced as a whole. And only of the
 * outermost resource of an answer the caller chooses the fields.
 */
function usageWithin(field: DescField, { checkedByHandler }: FieldRules, usage: Usage): Usage {
  switch (usage) {
    case 'output':
    case 'view':
      return 'output';
    case 'views':
      return field === resourceList(field.parent) ? 'view' : 'output';
    case 'input':
    case 'patch':
      if (field.parent.fields.some(isUpdateMask)) return 'patch';
      return checkedByHandler ? 'item' : 'input';
    case 'item':
      return 'item';
    default:
      return usage satisfies never;
  }
}

/**
 * Keywords that only our validator knows and documents leave out: text that can be stored, a number that was no infinite
 * text, which Ajv lets pass when it turns text into numbers, and an object of any shape that keeps its bounds.
 */
export const ownKeywords = ['storable', 'finite', 'struct'] as const;

function checksOfOurOwn(field: DescField, { format }: FieldRules, usage: Usage): JsonSchema {
  if (isAnswer(usage)) return {};
  if (isStruct(field.message)) return { struct: true };
  switch (field.scalar) {
    case ScalarType.STRING:
      // What matches the pattern of a form can be stored.
      return textFormat(format)?.pattern ? {} : { storable: true };
    case ScalarType.BOOL:
      return {};
    default:
      return { finite: true };
  }
}

function scalarSchema(field: DescField, rules: FieldRules): JsonSchema {
  switch (field.scalar) {
    case ScalarType.STRING:
      return { type: 'string', ...textRules(rules) };
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.INT32:
      return { type: 'integer', minimum: rules.minimum ?? -2_147_483_648, maximum: rules.maximum ?? 2_147_483_647 };
    case ScalarType.UINT32:
      return { type: 'integer', minimum: rules.minimum ?? 0, maximum: rules.maximum ?? 2_147_483_647 };
    case ScalarType.DOUBLE:
      return { type: 'number', ...rangeOf(rules) };
    default:
      throw new Error(`${field.parent.typeName}.${field.name}: this type is not supported in REST.`);
  }
}

function rangeOf({ minimum, maximum }: FieldRules): JsonSchema {
  return { ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) };
}

/** True when a caller may not set the field. */
function isReadOnly(contract: Contract, field: DescField, usage: Usage): boolean {
  return (
    contract.is(field, FieldBehavior.OUTPUT_ONLY) || (usage === 'patch' && contract.is(field, FieldBehavior.IMMUTABLE))
  );
}

function textRules(rules: FieldRules): JsonSchema {
  const format = textFormat(rules.format)?.name;
  return {
    ...(rules.minLength === undefined ? {} : { minLength: rules.minLength }),
    ...(rules.maxLength === undefined ? {} : { maxLength: rules.maxLength }),
    ...(rules.pattern === '' ? {} : { pattern: rules.pattern }),
    ...(format === undefined ? {} : { format }),
  };
}

/** Null stands for no value, as in proto3 JSON. */
function nullable(schema: JsonSchema): JsonSchema {
  const ofDocument = ([keyword]: [string, unknown]) => keyword === 'description' || keyword.startsWith('x-');
  const documented = Object.fromEntries(Object.entries(schema).filter(ofDocument));
  const { type, ...rest } = Object.fromEntries(Object.entries(schema).filter((entry) => !ofDocument(entry)));
  // A reference has no type of its own.
  if (typeof type !== 'string') return { anyOf: [rest, { type: 'null' }], ...documented };
  const values = 'enum' in rest ? { enum: [...(rest['enum'] as string[]), null] } : {};
  return { type: [type, 'null'], ...rest, ...values, ...documented };
}
