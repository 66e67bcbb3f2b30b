import { operations } from './gen/operations.js';

/** Name, verb, path, flags and query parameters of each operation. */
export function operationLines(): [name: string, verb: string, path: string, flags: string, ...query: string[]][] {
  return operations
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', verb = '', path = '', flags = '', ...query] = line.split(' ');
      const [resource = '', method = ''] = name.split('.');
      const whole = path.replace('~', `/${resource}`).replace(/!$/, `:${method}`);
      return [name, verb, whole, flags.replace('~', resource), ...query];
    });
}
