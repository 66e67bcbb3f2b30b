type Json = Record<string, unknown>;

/** A parameter of an operation, as the document has it. */
export interface Parameter extends Json {
  name: string;
  in: string;
  description?: string;
}

/** Parameters that mean the same wherever they are. Their proto comments serve gRPC, in whose messages they are fields. */
const meanings: Readonly<Record<string, (description: string) => string>> = {
  'If-Match': () =>
    'The etag of the resource that the caller has read, or `*`. When the resource has another etag, nothing is done (412 `ETAG_MISMATCH`).',
  'Idempotency-Key': () =>
    'A key that identifies this request. A repeated request with the same key and body gets the first answer for 24 hours and does ' +
    'nothing else.',
  pageSize: (description) => {
    const fallback =
      description.split(/(?<=\.)/).find((sentence) => /\b(?:when unset|defaults?)\b/i.test(sentence)) ?? '';
    return `Maximum number of items on the page.${fallback}`;
  },
  pageToken: () => '`nextPageToken` of the previous page. The other parameters must be the same.',
  readMask: () => 'Names of the fields to return, separated by commas. All fields when unset.',
  validateOnly: (description) =>
    description.includes('rows') ? description : 'True to check the request and return its answer without doing it.',
};

/** Names that are components even when one operation has them. */
const common = [...Object.keys(meanings), 'filter', 'orderBy', 'If-None-Match'];

/** A parameter in the words of all operations. */
export function inCommonWords(parameter: Parameter): Parameter {
  const meaning = meanings[parameter.name];
  return meaning ? { ...parameter, description: meaning(parameter.description ?? '') } : parameter;
}

/**
 * Replaces parameters that several operations have, and those of common names, by references.
 *
 * @returns the components. The most used form has the parameter's name, others also that of the first operation that has them.
 */
export function shareParameters(operations: readonly { operationId?: string; parameters: Parameter[] }[]): Json {
  const uses = new Map<string, { parameter: Parameter; first: string; count: number }>();
  for (const { operationId = '', parameters } of operations) {
    for (const parameter of parameters) {
      const key = JSON.stringify(parameter);
      const use = uses.get(key) ?? { parameter, first: operationId, count: 0 };
      uses.set(key, { ...use, count: use.count + 1 });
    }
  }
  const components: Record<string, Parameter> = {};
  const references = new Map<string, string>();
  for (const [key, { parameter, first, count }] of [...uses].toSorted(
    ([, one], [, other]) => other.count - one.count,
  )) {
    if (count === 1 && !common.includes(parameter.name)) continue;
    const name = parameter.name in components ? `${first}.${parameter.name}` : parameter.name;
    components[name] = parameter;
    references.set(key, `#/components/parameters/${name}`);
  }
  for (const operation of operations) {
    operation.parameters = operation.parameters.map((parameter) => {
      const $ref = references.get(JSON.stringify(parameter));
      return $ref === undefined ? parameter : ({ $ref } as unknown as Parameter);
    });
  }
  return components;
}
