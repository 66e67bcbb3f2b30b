import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  CustomField_Type,
  CustomFieldsServiceService as Methods,
  type ListCustomFieldsResponse,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { CustomerFieldType, ValueTypes } from '../mappings/lenses/value-conversion.js';
import { exchangedType } from '../mappings/records/exchanged-types.js';
import type { PrincipalTokens } from './principal-tokens.js';

const callMs = 10_000;

/** The custom field definitions of a tenant. */
export class CustomFieldTypes {
  constructor(
    private readonly client: Pick<ContractClient, 'unary'>,
    private readonly tokens: PrincipalTokens,
  ) {}

  /** By key. @param object type of the records @param principalId principal that the connection acts as */
  async of(object: string, tenantId: string, principalId: string): Promise<ValueTypes['customFields']> {
    const { singular, hasCustomFields } = exchangedType(object);
    if (!hasCustomFields) return new Map();
    const context = { requestId: randomUUID(), principalToken: await this.tokens.of(tenantId, principalId) };
    const answer = await this.client.unary(
      Methods.listCustomFields.path,
      { recordType: singular },
      { context, deadlineMs: callMs },
    );
    const { customFields } = answer as ListCustomFieldsResponse;
    return new Map(customFields.map(({ key, type }) => [key, CustomField_Type[type] as CustomerFieldType]));
  }
}
