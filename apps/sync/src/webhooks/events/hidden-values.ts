import type { DescMessage } from '@bufbuild/protobuf';
import { PersonalDataMask } from '@rapport/contracts';
import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { ConsentsServiceService } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { CustomFieldsServiceService } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { MergesServiceService } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { SuppressionsServiceService } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { contract } from '../../contract.js';
import type { recordTypes } from '../endpoints/event-types.js';

const mask = new PersonalDataMask(contract);

/** The methods that answer the records of each type, whose fields the feed has by the same names. */
const records: Readonly<Record<(typeof recordTypes)[number], string>> = {
  customer: CustomersServiceService.getCustomer.path,
  association: AssociationsServiceService.getAssociation.path,
  custom_field: CustomFieldsServiceService.getCustomField.path,
  merge: MergesServiceService.getMerge.path,
  consent: ConsentsServiceService.getConsent.path,
  suppression: SuppressionsServiceService.getSuppression.path,
};

const descriptors = new Map<string, DescMessage>(
  Object.entries(records).map(([type, path]) => {
    const method = contract.method(path);
    if (!method) throw new Error(`The contract lacks ${path}.`);
    return [type, method.desc.output];
  }),
);

/** The values of a record without its personal data. Of a type that is not known none are shown. */
export function personalFieldsHidden(type: string, values: Record<string, unknown>): Record<string, unknown> {
  const descriptor = descriptors.get(type);
  if (!descriptor) return {};
  // A cleared field is null, which the mask would take for something to hide.
  const cleared = Object.entries(values).filter(([, value]) => value === null);
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
  return { ...(JSON.parse(JSON.stringify(mask.hide(descriptor, given))) as object), ...Object.fromEntries(cleared) };
}
