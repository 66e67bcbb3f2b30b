import { camelCase } from '../values/letter-case.js';

/** A path of `google.api.http`, such as `/v1/customers/{id}:undelete`. */
export interface PathTemplate {
  template: string;
  /** Proto names of the fields in it, in order. */
  fields: string[];
  /** The path as find-my-way, Fastify's router, reads it. */
  pattern: string;
}

/** @throws Error for syntax of google.api.http that Rapport does not support: `*`, `**` and fields of fields */
export function parsePathTemplate(template: string): PathTemplate {
  const fields = [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
  const unsupported = fields.find((name) => !/^[a-z][a-z0-9_]*$/.test(name));
  if (unsupported !== undefined || template.includes('*')) throw new Error(`Unsupported path template ${template}.`);
  const pattern = template
    .replaceAll(':', '::')
    // A parameter before a literal needs an explicit end.
    .replace(/\{([^{}]*)\}(?=[^/])/g, (_, name: string) => `:${camelCase(name)}([^:/]+)`)
    .replace(/\{([^{}]*)\}/g, (_, name: string) => `:${camelCase(name)}`);
  return { template: template.replace(/\{([^{}]*)\}/g, (_, name: string) => `{${camelCase(name)}}`), fields, pattern };
}
