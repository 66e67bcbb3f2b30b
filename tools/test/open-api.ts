export interface JsonSchema {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  format?: string;
  required?: string[];
  enum?: string[];
  anyOf?: JsonSchema[];
  examples?: unknown[];
  maxLength?: number;
  pattern?: string;
  $ref?: string;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schema: JsonSchema;
}

interface DescribedAnswer {
  description: string;
  content?: Record<string, { schema?: JsonSchema }>;
}

export interface Operation {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema?: JsonSchema }> };
  responses: Record<string, DescribedAnswer>;
}

/** The parts of the OpenAPI document that the tests read. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, JsonSchema>;
    parameters: Record<string, Parameter>;
    responses: Record<string, DescribedAnswer>;
  };
}

/** The document with its shared parameters and answers in the operations that have them. */
export function readOpenApi(text: string): OpenApi {
  const openApi = JSON.parse(text) as OpenApi;
  const { parameters, responses } = openApi.components;
  for (const operation of Object.values(openApi.paths).flatMap((path) => Object.values(path))) {
    operation.parameters = operation.parameters.map((parameter) => referenced(parameter, parameters));
    const answers = Object.entries(operation.responses);
    operation.responses = Object.fromEntries(
      answers.map(([status, answer]) => [status, referenced(answer, responses)]),
    );
  }
  return openApi;
}

function referenced<Part extends object>(part: Part, components: Readonly<Record<string, Part>>): Part {
  const name = (part as { $ref?: string }).$ref?.split('/').at(-1);
  return name === undefined ? part : (components[name] ?? part);
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed JSON, or the text when it is none. */
  body: unknown;
}
