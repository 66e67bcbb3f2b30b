import type { FlowTemplate } from '@rapport/contracts/rapport/flows/v1/flows_service';
import { readDefinition } from '../definition-json.js';
import { dealTemplates } from './deal-templates.js';
import { customerTemplates } from './customer-templates.js';

/** Definitions to start from. */
export const flowTemplates: readonly FlowTemplate[] = [...customerTemplates, ...dealTemplates].map((template) => ({
  ...template,
  definition: readDefinition(template.definition),
}));
