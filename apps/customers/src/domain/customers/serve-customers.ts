import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomersServiceService,
  UpsertMatch,
  type UpsertCustomerRequest,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { invalidArgument } from '@rapport/platform';
import { uniqueValues, type UniqueValue } from '../../engine/records/unique-values.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { externalIdOf, required } from '../../engine/write/upsert-record.js';
import { customerColumns } from './import/csv-columns.js';
import { customers } from './customers.js';
import { customerImport } from './import/customer-import.js';

export const CustomersController = recordController(customers, CustomersServiceService, {
  matched: (request, customer) => matchedValue(request as UpsertCustomerRequest, customer),
  csvColumns: customerColumns,
  importRules: customerImport,
});

/** @throws AppError INVALID_ARGUMENT when the customer lacks the value to match */
function matchedValue({ match, matchSystem }: UpsertCustomerRequest, customer: Customer): UniqueValue {
  const values = uniqueValues(customers, customer);
  switch (match) {
    case UpsertMatch.EMAIL: {
      const email = values.find(({ type }) => type === 'EMAIL');
      return required(email, 'customer.emails', 'must have the e-mail address to match');
    }
    case UpsertMatch.DOMAIN: {
      const domain = values.find(({ type }) => type === 'DOMAIN');
      return required(domain, 'customer.domains', 'must have the domain to match');
    }
    case UpsertMatch.EXTERNAL_ID: {
      if (matchSystem === undefined) {
        const description = 'must be the system of the external id to match';
        throw invalidArgument([{ field: 'matchSystem', reason: 'REQUIRED', description }]);
      }
      return externalIdOf(customers, customer, matchSystem);
    }
    // Enums of proto3 are open: a newer caller may send a number that this release does not know.
    default:
      throw invalidArgument([
        { field: 'match', reason: 'UNKNOWN_VALUE', description: 'must be EMAIL, DOMAIN or EXTERNAL_ID' },
      ]);
  }
}
