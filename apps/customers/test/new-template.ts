import { Template } from '@rapport/contracts/rapport/content/v1/template';

/** A template as a request has it. */
export function newTemplate(given: Partial<Template> = {}): Template {
  const body = "Hello {{ customer.givenName | default: 'there' }}!";
  return { ...Template.decode(new Uint8Array()), key: 'welcome', name: 'Welcome', body, ...given };
}
