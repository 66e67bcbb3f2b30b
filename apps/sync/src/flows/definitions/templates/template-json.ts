import type { DefinitionJson } from '../definition-json.js';

/** A template, with its definition in JSON. */
export interface TemplateJson {
  key: string;
  name: string;
  description: string;
  definition: DefinitionJson;
}
