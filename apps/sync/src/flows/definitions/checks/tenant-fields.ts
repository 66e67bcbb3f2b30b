import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import type { ExpressionField } from '@rapport/contracts/expressions';
import { AuthServiceService, type VouchForPrincipalResponse } from '@rapport/contracts/rapport/auth/v1/auth_service';
import {
  CustomField_Type,
  CustomFieldsServiceService,
  type ListCustomFieldsResponse,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { AppError, currentCaller } from '@rapport/platform';
import { recordTypeNamed } from '../variables.js';

const callMs = 10_000;

/** Types whose fields are asked for at once. */
const maxAsking = 4;

/** What is known of a type of records in the tenant. `MISSING` stands for a custom object that does not exist. */
export type TenantType = readonly ExpressionField[] | 'MISSING' | undefined;

/** Reads the custom fields of a tenant, with the rights of the caller. */
export class TenantFields {
  constructor(
    private readonly customers: Pick<ContractClient, 'unary'>,
    private readonly auth: Pick<ContractClient, 'unary'>,
  ) {}

  /**
   * By type, as in definitions. Undefined for types whose custom fields the caller does not see: the check when a flow
   * is published sees those of all types that it uses.
   */
  async of(types: readonly string[]): Promise<ReadonlyMap<string, TenantType>> {
    const { tenantId, principalId } = currentCaller();
    // An OAuth client can't act without its token.
    const asked = /^(user|apiKey):/.test(principalId) ? types.filter(hasCustomFields) : [];
    if (asked.length === 0) return new Map();
    const { path } = AuthServiceService.vouchForPrincipal;
    const { principalToken } = (await this.auth.unary(
      path,
      { tenantId, principalId },
      { context: { requestId: randomUUID() }, deadlineMs: callMs },
    )) as VouchForPrincipalResponse;
    const found = new Map<string, TenantType>();
    const open = [...asked];
    const askNext = async (): Promise<void> => {
      for (let type = open.shift(); type !== undefined; type = open.shift()) {
        found.set(type, await this.#definitions(type, principalToken));
      }
    };
    await Promise.all(Array.from({ length: maxAsking }, askNext));
    return found;
  }

  async #definitions(type: string, principalToken: string): Promise<TenantType> {
    const [singular = '', object] = type.split('/');
    const recordType = object === undefined ? singular : `objects.${object}`;
    const options = { context: { requestId: randomUUID(), principalToken }, deadlineMs: callMs };
    try {
      const answer = await this.customers.unary(
        CustomFieldsServiceService.listCustomFields.path,
        { recordType },
        options,
      );
      const { customFields } = answer as ListCustomFieldsResponse;
      return customFields.map((field) => ({
        key: field.key,
        type: CustomField_Type[field.type] as ExpressionField['type'],
      }));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'PERMISSION_DENIED') return undefined;
      if (object !== undefined && ['INVALID_ARGUMENT', 'NOT_FOUND'].includes(error.code)) return 'MISSING';
      throw error;
    }
  }
}

function hasCustomFields(type: string): boolean {
  return recordTypeNamed(type)?.options.customFields ?? false;
}
