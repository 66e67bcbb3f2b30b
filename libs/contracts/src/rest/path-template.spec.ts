import { describe, expect, it } from 'vitest';
import { parsePathTemplate } from './path-template.js';

describe('parsePathTemplate', () => {
  it.each([
    ['/v1/customers', [], '/v1/customers'],
    ['/v1/customers/{id}', ['id'], '/v1/customers/:id'],
    ['/v1/customers:import', [], '/v1/customers::import'],
    ['/v1/customers/{id}:undelete', ['id'], '/v1/customers/:id([^:/]+)::undelete'],
    ['/v1/a/{a_id}/b/{b_id}', ['a_id', 'b_id'], '/v1/a/:aId/b/:bId'],
  ])('reads %s', (template, fields, pattern) => {
    expect(parsePathTemplate(template)).toMatchObject({ fields, pattern });
  });

  it.each(['/v1/{name=customers/*}', '/v1/{customer.id}', '/v1/**'])('refuses %s', (template) => {
    expect(() => parsePathTemplate(template)).toThrow(template);
  });
});
