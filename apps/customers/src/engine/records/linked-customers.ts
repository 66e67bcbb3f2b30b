import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { queryRows, type Statement, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { customFieldPath, type CustomFields } from '../fields/custom-fields.js';
import type { Customer } from './customer.entity.js';

/** A row of `LinkedCustomers.statement`. */
export type LinkedRow = Pick<Customer, 'id' | 'kind'>;

/** The live customers that others point to: as their company, or with a custom field of type REFERENCE. */
export class LinkedCustomers {
  private constructor(private readonly kinds: ReadonlyMap<string, Customer['kind']>) {}

  /**
   * Reads those of the ids that are live. They stay so until the transaction ends, since they are locked: in the order of
   * their ids, so that two transactions wait for each other and not both for ever.
   */
  static async lock(source: EntityManager | StatementTransaction, ids: readonly string[]): Promise<LinkedCustomers> {
    if (ids.length === 0) return new LinkedCustomers(new Map());
    return LinkedCustomers.of(await queryRows<LinkedRow>(source, LinkedCustomers.statement(ids)));
  }

  static statement(ids: readonly string[]): Statement {
    return {
      name: 'lock_linked_customers',
      sql: `select id, kind from customer
        where tenant_id = $1 and id = any ($2::uuid[]) and delete_time is null order by id for share`,
      values: [currentCaller().tenantId, [...new Set(ids)]],
    };
  }

  /** @param rows of `statement` */
  static of(rows: readonly LinkedRow[]): LinkedCustomers {
    return new LinkedCustomers(new Map(rows.map(({ id, kind }) => [id, kind])));
  }

  /**
   * What is wrong with the links of a customer, with paths within it.
   *
   * @param before what it was: links that it had already are not checked
   */
  violations(customer: CustomerMessage, customFields: CustomFields, before?: CustomerMessage): FieldViolation[] {
    const { companyId, references } = newLinks(customer, customFields, before);
    const violations: FieldViolation[] = references
      .filter(({ id }) => !this.kinds.has(id))
      .map(({ key }) => ({
        field: customFieldPath(key),
        reason: 'REFERENCE_NOT_FOUND',
        description: 'must be the id of a live customer',
      }));
    if (companyId !== undefined && this.kinds.get(companyId) !== 'COMPANY') {
      const description = 'must be the id of a live customer of kind COMPANY';
      violations.push({ field: 'companyId', reason: 'COMPANY_NOT_FOUND', description });
    }
    return violations;
  }

  /** @throws AppError INVALID_ARGUMENT that names each link of `customer` that leads to no live customer */
  check(customer: CustomerMessage, customFields: CustomFields, before?: CustomerMessage): void {
    const violations = this.violations(customer, customFields, before);
    if (violations.length === 0) return;
    throw invalidArgument(violations.map(({ field, ...rest }) => ({ field: `customer.${field}`, ...rest })));
  }
}

/** Ids of the customers that a customer points to and, when there was one before, did not point to then. */
export function linkedIds(customer: CustomerMessage, customFields: CustomFields, before?: CustomerMessage): string[] {
  const { companyId, references } = newLinks(customer, customFields, before);
  return [...(companyId === undefined ? [] : [companyId]), ...references.map(({ id }) => id)];
}

function newLinks(customer: CustomerMessage, customFields: CustomFields, before?: CustomerMessage) {
  return {
    companyId: customer.companyId === before?.companyId ? undefined : customer.companyId,
    references: customFields.references(customer.customFields, before?.customFields),
  };
}
