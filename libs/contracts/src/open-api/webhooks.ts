import type { Contract } from '../descriptors/load-contract.js';
import { recordContracts } from '../records/record-contract.js';
import type { JsonSchema, JsonSchemas } from '../rest/json-schema.js';
import { camelCase, snakeCase } from '../values/letter-case.js';
import { forDocument } from './components.js';

type Json = Record<string, unknown>;

const meanings = {
  created: 'was created',
  updated: 'changed',
  deleted: 'was deleted',
  undeleted: 'was restored',
  merged: 'was merged into another one',
};

/** The fields of a change that events have, in their order there. */
const changeFields = [
  ...['id', 'recordType', 'recordId', 'version', 'operation', 'changedFields', 'before', 'after', 'actor', 'origin'],
  ...['requestId', 'causationId', 'hop'],
];

/** Fields that have another name in the feed. */
const namesInFeed: Readonly<Record<string, string>> = { recordType: 'type' };

const headers: Readonly<Record<string, string>> = {
  'webhook-id': 'Id of the event, the same for every attempt. Ignore an event whose id you have processed.',
  'webhook-timestamp': 'Time of the attempt, in seconds since 1970. Refuse attempts that are older than 5 minutes.',
  'webhook-signature': 'Signatures of Standard Webhooks, separated by spaces: `v1,` HMAC-SHA256, `v1a,` Ed25519.',
};

const answers = {
  '2XX': ['EventReceived', 'The endpoint has received the event.'],
  '410': ['EndpointGone', 'The endpoint is gone. Rapport disables it.'],
  default: ['EventNotReceived', 'The endpoint has not received the event. Rapport sends it again later.'],
} as const;

interface Webhooks {
  webhooks: Json;
  /** Parts of the document that webhooks share. */
  components: { schemas: Record<string, JsonSchema>; parameters: Json; responses: Json };
}

/** What Rapport posts to webhook endpoints, and the schemas of it. A contract without a change feed has no events. */
export function webhooksOf(contract: Contract, schemas: JsonSchemas): Webhooks {
  const changes = contract.methods.map(({ desc }) =>
    desc.output.fields.find(({ message }) => message?.name === 'Change'),
  );
  const change = changes.find((field) => field !== undefined)?.message;
  if (!change) return { webhooks: {}, components: { schemas: {}, parameters: {}, responses: {} } };
  const properties = changeFields.flatMap((name) => {
    const desc = change.fields.find((field) => field.name === (namesInFeed[name] ?? snakeCase(name)));
    return desc ? [[name, forDocument(schemas.field(desc, 'output'))] as const] : [];
  });
  const data = {
    type: 'object',
    required: ['id', 'recordType', 'recordId', 'version', 'operation', 'changedFields', 'actor', 'origin', 'hop'],
    properties: Object.fromEntries(properties),
  };
  const records = recordContracts(contract).map(({ singular }) => {
    const type = snakeCase(singular);
    const words = type.replaceAll('_', ' ');
    const schema = {
      allOf: [
        { $ref: '#/components/schemas/RecordEvent' },
        {
          properties: {
            type: { enum: Object.keys(meanings).map((verb) => `${type}.${verb}`), description: meaningsOf(type) },
          },
        },
      ],
    };
    const fields = `\`before\` and \`after\` have fields of the ${words}, by the names that the API has. Null stands for no value.`;
    return [type, webhook(`${type}Event`, `A ${words} changed`, fields, schema)] as const;
  });
  return {
    webhooks: {
      ...Object.fromEntries(records),
      record: webhook('recordEvent', 'A record of another type changed', 'Such as `association.created`.', {
        $ref: '#/components/schemas/RecordEvent',
      }),
      ...platformEvents(),
    },
    components: {
      schemas: {
        RecordEvent: { ...event({ type: 'string', examples: ['customer.updated'] }, data), description: recordEvent },
      },
      parameters: Object.fromEntries(
        Object.entries(headers).map(([name, description]) => [
          name,
          { name, in: 'header', required: true, description, schema: { type: 'string' } },
        ]),
      ),
      responses: Object.fromEntries(Object.values(answers).map(([name, description]) => [name, { description }])),
    },
  };
}

const recordEvent =
  'One committed change of a record. An endpoint with the payload `THIN` gets it without `before` and `after`.';

function platformEvents(): Json {
  const text = (description: string) => ({ type: 'string', description });
  const endpointId = text('Id of the endpoint.');
  const types: Record<string, [id: string, summary: string, description: string, data: Record<string, JsonSchema>]> = {
    'changes.gap': [
      'changesGapEvent',
      'Changes can be missing',
      'Every endpoint gets it. Read the records of the type again.',
      { recordType: text('The type of the records.') },
    ],
    'webhook_endpoint.disabled': [
      'webhookEndpointDisabledEvent',
      'Rapport disabled an endpoint',
      'Another endpoint of the workspace no longer gets events.',
      { endpointId, url: text('URL of the endpoint.'), reason: text('Why, as `disableReason` of the endpoint.') },
    ],
    'webhook_endpoint.test': [
      'webhookEndpointTestEvent',
      'A test of an endpoint',
      'The answer to `POST /v1/webhookEndpoints/{id}:test`.',
      { endpointId },
    ],
  };
  return Object.fromEntries(
    Object.entries(types).map(([type, [id, summary, description, properties]]) => [
      type,
      webhook(id, summary, description, event({ const: type }, { type: 'object', properties })),
    ]),
  );
}

function event(type: JsonSchema, data: JsonSchema): JsonSchema {
  const properties = {
    type: { ...type, description: 'What happened.' },
    timestamp: { type: 'string', format: 'date-time', description: 'When it happened.' },
    data: { ...data, description: 'What the event is about.' },
  };
  return { type: 'object', required: ['type', 'timestamp', 'data'], properties };
}

function webhook(operationId: string, summary: string, description: string, schema: JsonSchema): Json {
  const requestBody = { required: true, content: { 'application/json': { schema } } };
  const operation = {
    operationId: camelCase(operationId),
    tags: ['Webhook endpoints'],
    summary,
    description,
    security: [],
  };
  const parameters = Object.keys(headers).map((name) => ({ $ref: `#/components/parameters/${name}` }));
  const responses = Object.fromEntries(
    Object.entries(answers).map(([status, [name]]) => [status, { $ref: `#/components/responses/${name}` }]),
  );
  return { post: { ...operation, parameters, requestBody, responses } };
}

function meaningsOf(type: string): string {
  const words = type.replaceAll('_', ' ');
  const lines = Object.entries(meanings).map(([verb, end]) => `- \`${type}.${verb}\`: The ${words} ${end}.`);
  return lines.join('\n');
}
