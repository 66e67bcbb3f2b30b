import { describe, expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { JsonSchemas, type JsonSchema } from '../rest/json-schema.js';
import { MessageValidator } from './message-validator.js';

const contract = platformContract();
const method = contract.method('/rapport.customers.v1.CustomersService/BatchDeleteCustomers');
if (!method) throw new Error('BatchDeleteCustomers is not in the contract.');
const request = method.desc.input;
const batch = request.field['batch']?.message;
if (!batch) throw new Error('BatchDeleteCustomers has no batch.');

describe('a field that the handler checks', () => {
  it('is held to its number of items, and what is in its items to nothing', () => {
    const check = (items: object[]) =>
      new MessageValidator(contract).violations(request, { batch: { items, mode: 0 } });

    expect(check([{ id: 'no uuid', etag: 'x'.repeat(101) }])).toEqual([]);
    expect(check([])).toMatchObject([{ field: 'batch.items', reason: 'TOO_FEW_ITEMS' }]);
  });

  it('has a schema of names and types only', () => {
    const schemas = new JsonSchemas(contract, (own, message, usage) => own.message(message, usage));

    const { properties } = schemas.message(batch, 'input') as { properties: { items: JsonSchema } };

    expect(properties.items).toMatchObject({ minItems: 1, maxItems: 1_000 });
    const item = properties.items['items'] as { properties: { id: JsonSchema } };
    expect(item).toMatchObject({ type: 'object', additionalProperties: false });
    expect(item).not.toHaveProperty('required');
    expect(item.properties.id).not.toHaveProperty('anyOf');
    expect(JSON.stringify(item)).not.toMatch(/"(format|pattern|maxLength|minLength)":/);
  });
});
