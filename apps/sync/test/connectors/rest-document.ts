export interface RestServerOptions {
  paging: 'PAGE' | 'OFFSET' | 'CURSOR' | 'LINK';
  /** What lists, records and bodies are within. */
  wrap?: string;
  method: 'patch' | 'put';
  hasEtags: boolean;
  /** Writes are answered without the record. */
  isSilent: boolean;
}

const person = {
  type: 'object',
  required: ['name'],
  properties: {
    id: { type: 'integer', readOnly: true },
    key: { type: 'string' },
    name: { type: 'string', maxLength: 200 },
    title: { type: ['string', 'null'] },
    email: { type: ['string', 'null'], format: 'email' },
    paid: { type: 'number', multipleOf: 0.01 },
    score: { type: 'number', format: 'double' },
    born: { type: 'string', format: 'date' },
    seen: { type: 'string', format: 'date-time' },
    active: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    address: { $ref: '#/components/schemas/Address' },
    extra: {},
    updated_at: { type: 'string', format: 'date-time', readOnly: true },
  },
};

const address = { type: 'object', properties: { city: { type: 'string' }, zip: { type: 'string' } } };

const parameters = {
  PAGE: ['page', 'per_page'],
  OFFSET: ['offset', 'limit'],
  CURSOR: ['cursor', 'limit'],
  LINK: ['per_page'],
};

/** What the server of the tests says of itself, in OpenAPI 3.1. */
export function restDocument({ paging, wrap, method, hasEtags, isSilent }: RestServerOptions) {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const one = (schema: object) => (wrap === undefined ? schema : { type: 'object', properties: { [wrap]: schema } });
  const record = { $ref: '#/components/schemas/Person' };
  const list = { type: 'array', items: record };
  const next = { type: 'object', properties: { items: list, next_cursor: { type: ['string', 'null'] } } };
  const answers = (status: string, schema?: object) => ({
    [status]: { description: 'Done', ...(schema && json(schema)) },
    '422': { description: 'Refused' },
  });
  const precondition = { name: 'If-Match', in: 'header', schema: { type: 'string' } };
  const query = ['sort', 'updated_from', 'key', ...parameters[paging]];
  const itself = hasEtags ? { parameters: [precondition] } : {};
  return {
    openapi: '3.1.0',
    info: { title: 'People', version: '1' },
    paths: {
      '/people': {
        get: {
          operationId: 'listPeople',
          parameters: query.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
          responses: answers('200', paging === 'CURSOR' ? next : one(list)),
        },
        post: { operationId: 'createPerson', requestBody: json(one(record)), responses: answers('201', one(record)) },
      },
      '/people/{personId}': {
        parameters: [{ name: 'personId', in: 'path', required: true, schema: { type: 'integer' } }],
        get: { operationId: 'readPerson', responses: answers('200', one(record)) },
        [method]: {
          operationId: 'changePerson',
          ...itself,
          requestBody: json(one(record)),
          responses: isSilent ? answers('204') : answers('200', one(record)),
        },
        delete: { operationId: 'deletePerson', ...itself, responses: answers('204') },
      },
    },
    components: { schemas: { Person: person, Address: address } },
  };
}
