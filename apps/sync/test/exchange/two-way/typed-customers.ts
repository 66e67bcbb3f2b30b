import type { Customer, ExchangeTenant } from '../exchange-tenant.ts';
import { customerSide } from './customer-side.ts';
import type { Person, Side } from './edits.ts';
import { colourOptions, fieldsOf, type Engine, type TypedField } from './typed-fields.ts';

/** Declares the custom fields. */
export async function defineTypedFields(tenant: ExchangeTenant, engine: Engine): Promise<void> {
  for (const { name, type } of fieldsOf(engine)) {
    const options = type === 'SELECT' ? { options: colourOptions } : {};
    await tenant.api.ok('POST', '/v1/customFields', { key: name, type, ...options });
  }
}

/** The customers, whose custom fields are edited. */
export function typedCustomerSide(tenant: ExchangeTenant, engine: Engine): Side {
  const fields = new Map(fieldsOf(engine).map((field) => [field.name, field]));
  return customerSide(tenant, {
    contentOf: (values) => ({
      customFields: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, jsonOf(fields.get(name), value)]),
      ),
    }),
    personOf: (customer) => personOf(customer, [...fields.keys()]),
  });
}

function jsonOf(field: TypedField | undefined, value: string): unknown {
  if (field?.type === 'NUMBER') return Number(value);
  return field?.type === 'BOOLEAN' ? value === 'true' : value;
}

function personOf(customer: Customer, names: string[]): Person {
  const { id, displayName, customFields } = customer;
  const values = (customFields ?? {}) as Record<string, string | number | boolean>;
  const texts = names.map((name) => [name, String(values[name] ?? '')]);
  return { id, key: displayName as string, values: Object.fromEntries(texts) as Record<string, string> };
}
