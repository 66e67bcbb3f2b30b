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

export interface Operation {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema?: JsonSchema }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema?: JsonSchema }>; $ref?: string }>;
}

/** The parts of the OpenAPI document that the tests read. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, JsonSchema>;
    parameters: Record<string, Parameter>;
    responses: Record<string, { description: string }>;
  };
}

/** The document with its shared parameters in the operations that have them. */
export function readOpenApi(text: string): OpenApi {
  const openApi = JSON.parse(text) as OpenApi;
  for (const operation of Object.values(openApi.paths).flatMap((path) => Object.values(path))) {
    operation.parameters = operation.parameters.map((parameter) => {
      const [, name] = /^#\/components\/parameters\/(.*)$/.exec((parameter as { $ref?: string }).$ref ?? '') ?? [];
      return name === undefined ? parameter : (openApi.components.parameters[name] ?? parameter);
    });
  }
  return openApi;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed JSON, or the text when it is none. */
  body: unknown;
}
