/** A JSON Schema of the OpenAPI document. */
export interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
}

/** The TypeScript type of a schema. Values that callers send may be undefined and read-only. */
export function typeText(schema: Schema, isInput = isInputSchema(schema)): string {
  if (schema.$ref) return nameOfReference(schema.$ref);
  if (schema.anyOf) return schema.anyOf.map((each) => typeText(each, isInput)).join(' | ');
  if (schema.allOf) return schema.allOf.map((each) => typeText(each, isInput)).join(' & ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const types = schema.type === undefined ? ['object'] : [schema.type].flat();
  return types.map((type) => plainType(type, schema, isInput)).join(' | ');
}

/** A property of an object type, with its description. */
export function propertyText(name: string, schema: Schema, isRequired: boolean, isInput: boolean): string {
  const text = typeText(schema, isInput);
  const value = isInput && !isRequired ? `${text} | undefined` : text;
  return `${docText(schema.description)}${name}${isRequired ? '' : '?'}: ${value};\n`;
}

/** A JSDoc comment, or nothing. */
export function docText(text: string | undefined): string {
  if (!text) return '';
  return `/**\n${text
    .replaceAll('*/', '*\\/')
    .split('\n')
    .map((line) => ` * ${line}`.trimEnd())
    .join('\n')}\n */\n`;
}

/** Bodies of requests allow no other fields than theirs. */
function isInputSchema({ additionalProperties }: Schema): boolean {
  return additionalProperties === false;
}

export function nameOfReference(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

function plainType(type: string, schema: Schema, isInput: boolean): string {
  switch (type) {
    case 'integer':
      return 'number';
    case 'array': {
      const item = typeText(schema.items ?? {}, isInput);
      return `${isInput ? 'readonly ' : ''}${/[|&]/.test(item) ? `(${item})` : item}[]`;
    }
    case 'object':
      return objectType(schema, isInput);
    default:
      return type;
  }
}

function objectType({ properties, required = [], additionalProperties }: Schema, isInput: boolean): string {
  if (properties) {
    const fields = Object.entries(properties).map(([name, property]) =>
      propertyText(name, property, required.includes(name), isInput),
    );
    return `{\n${fields.join('')}}`;
  }
  const values = typeof additionalProperties === 'object' ? typeText(additionalProperties, isInput) : 'unknown';
  return `{ [key: string]: ${values} }`;
}
