import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { ImportRules } from '../../../engine/import/import-rules.js';
import { error, quote, warning, type RowIssue } from '../../../engine/import/rows/row-issue.js';
import { phoneRegion, readPhone } from '../../../engine/values/phone-numbers.js';
import { customers } from '../customers.js';
import { normaliseCustomer } from '../normalise-customer.js';
import { countryCode } from './country-code.js';
import { guessTarget } from './guess-target.js';
import { companyImportFields, importFields, serverFields } from './import-fields.js';
import { mapRow } from './map-row.js';
import { lacksValue, mergeCustomer } from './merge-customer.js';

/** Import rules of customers. */
export const customerImport: ImportRules<Customer> = {
  type: customers,
  fields: new Map(Object.entries(importFields)),
  serverFields,
  ofKind: (kind) => (kind === CustomerKind.COMPANY ? companyImport : customerImport),
  looks: [
    ['email', (text) => /^[^\s@,;"]+@[^\s@,;".]+(\.[^\s@,;".]+)+$/.test(text)],
    ['phone', (text) => /^(\+|00?)[\d ()./-]{6,24}$/.test(text) && text.replace(/\D/g, '').length >= 7],
    ['domain', (text) => /^(https?:\/\/)?([a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(\/\S*)?$/i.test(text)],
    // Two-letter codes are ambiguous.
    ['country', (text) => text.length > 3 && text.length <= 60 && countryCode(text) !== undefined],
  ],
  guess: guessTarget,
  readRow: mapRow,
  normalise(sent, customFields, defaultCountry) {
    const { customer, violations, invalidPhones } = normaliseCustomer(sent, customFields, { defaultCountry });
    const issues = invalidPhones.map((index) => phoneInvalid(customer, index));
    return { record: customer, violations, issues, givesName: sent.displayName !== undefined };
  },
  merge: mergeCustomer,
  names: { field: 'displayName', column: 'display_name', sortColumn: 'sort_name', lacks: lacksValue },
  nameOf: ({ displayName = '' }) => displayName,
  missing: ({ field, description }) =>
    error('NAME_MISSING', `The row does not name a customer: ${description}.`, { field }),
  asStored: withStoredSpelling,
  mismatch({ kind, displayName }, row) {
    if (kind === row.kind) return undefined;
    const message = `${quote(displayName)}, which has the id or a key of the row, is of the other kind.`;
    return error('KIND_MISMATCH', message, { field: 'kind' });
  },
};

const companyImport: ImportRules<Customer> = {
  ...customerImport,
  fields: new Map(Object.entries(companyImportFields)),
};

/**
 * A row may write domains without "www.", and local phone numbers in the format of its address's country. When
 * comparing with an export, values that look like hidden data are ignored, and with a hidden address its country.
 */
function withStoredSpelling(row: Customer, { domains, phones }: Customer): Customer {
  const storedDomains = row.domains.map((domain) =>
    domains.includes(domain) ? domain : (domains.find((own) => own === `www.${domain}`) ?? domain),
  );
  const region = phoneRegion(row.addresses);
  const storedPhones = row.phones.map((phone) => {
    if (phones.some(({ number }) => number === phone.number)) return phone;
    const same = phones.find(({ number }) => readPhone(number, region).number === phone.number);
    return same ? { ...phone, number: same.number } : phone;
  });
  return { ...row, domains: storedDomains, phones: storedPhones };
}

function phoneInvalid({ phones }: Customer, index: number): RowIssue {
  const message = `${quote(phones[index]?.number)} is no valid phone number; it was kept as typed.`;
  return { ...warning('PHONE_INVALID', message, { field: `phones[${index}].number` }), value: phones[index]?.number };
}
