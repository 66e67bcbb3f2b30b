import type { CustomFieldDefinition } from '@rapport/contracts/filters';
import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { CustomField, CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Caller } from '@rapport/platform';
import type { ObjectTenant } from './object-tenant.js';
import { company, person, type SharedCustomers } from './running-customers.js';

const fieldTypes = {
  note: CustomField_Type.TEXT,
  seats: CustomField_Type.NUMBER,
  score: CustomField_Type.DECIMAL,
  revenue: CustomField_Type.MONEY,
  day: CustomField_Type.DATE,
  called: CustomField_Type.TIME,
  news: CustomField_Type.BOOLEAN,
  plan: CustomField_Type.SELECT,
  hobbies: CustomField_Type.MULTI_SELECT,
  site: CustomField_Type.URL,
  knows: CustomField_Type.REFERENCE,
};

const choices = ['Gold', 'Silver', 'Chess', 'Go'].map((value) => ({ value }));

/** Defines the same custom fields for the records of an object. */
export async function defineObjectFields(objects: ObjectTenant, object: string): Promise<void> {
  for (const [key, type] of Object.entries(fieldTypes)) {
    await objects.createField(object, key, { type, options: hasChoices(type) ? choices : [] });
  }
}

/** The custom fields of the tenants that `makeFilteredCustomers` fills. */
export const customDefinitions: readonly CustomFieldDefinition[] = Object.entries(fieldTypes).map(([key, type]) => ({
  key,
  type: CustomField_Type[type] as CustomFieldDefinition['type'],
  options: hasChoices(type) ? choices : [],
}));

function hasChoices(type: CustomField_Type): boolean {
  return type === CustomField_Type.SELECT || type === CustomField_Type.MULTI_SELECT;
}

/** Creates a company and two people that differ in every filterable field. */
export async function makeFilteredCustomers(
  customers: SharedCustomers,
  caller: Caller,
): Promise<{ ada: Customer; acme: Customer }> {
  for (const [key, type] of Object.entries(fieldTypes)) await define(customers, caller, key, type);
  const acme = await customers.create(
    caller,
    company({
      displayName: 'Acme',
      domains: ['acme.example', 'acme.test'],
      addresses: [
        { city: 'São Paulo', postalCode: '01310-100', countryCode: 'BR' },
        { city: 'Rio', state: 'RJ' },
      ],
      lifecycleStage: LifecycleStage.CUSTOMER,
      externalIds: [{ system: 'erp', value: '4711' }],
      customFields: {
        seats: 100,
        score: '12.50',
        revenue: { amount: '12.50', currencyCode: 'EUR' },
        day: '2026-01-31',
        called: '2026-01-31T09:30:00Z',
        plan: 'Gold',
        site: 'https://acme.example',
      },
    }),
  );
  const ada = await customers.create(
    caller,
    person({
      displayName: 'Ada "The" O\'Byron\\',
      givenName: 'Ada',
      familyName: 'Lovelace',
      birthDate: '1815-12-10',
      companyName: 'Acme',
      emails: [{ address: 'Ada@Example.com' }, { address: 'ada@home.test' }],
      phones: [{ number: '+49 30 901820' }],
      tags: ['VIP', 'new york'],
      lifecycleStage: LifecycleStage.LEAD,
      companyId: acme.id,
      source: '100%_*',
      customFields: {
        note: 'Calls on Mondays',
        seats: -2.5,
        score: '-1',
        revenue: { amount: '1', currencyCode: 'USD' },
        news: true,
        plan: 'Silver',
        hobbies: ['Chess', 'Go'],
        knows: acme.id,
      },
    }),
  );
  const { id } = await customers.create(caller, person({ displayName: 'Zoë' }));
  await associate(customers, caller, id, ada.id);
  return { ada, acme };
}

async function define(customers: SharedCustomers, caller: Caller, key: string, type: CustomField_Type): Promise<void> {
  const blank = CustomField.decode(new Uint8Array());
  const options = hasChoices(type) ? choices : [];
  await customers.call('createCustomField', { customField: { ...blank, key, type, options } }, caller);
}

/** Makes one customer the partner of another. */
export async function associate(
  customers: SharedCustomers,
  caller: Caller,
  fromCustomerId: string,
  toCustomerId: string,
): Promise<void> {
  const blank = Association.decode(new Uint8Array());
  const association = { ...blank, fromCustomerId, type: 'partner_of', toCustomerId };
  await customers.call('createAssociation', { association }, caller);
}
