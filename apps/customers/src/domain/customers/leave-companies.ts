import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { beyondScope, isRefusal, type Statement, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';

/** Most people of deleted companies in one transaction. */
const maxCompanyPeople = 10_000;

/** Why `leaveCompanies` refuses. */
const companyTooLarge = 'COMPANY_TOO_LARGE';

/** Removes deleted companies from their people, including people that the caller cannot see. */
export function leftByPeople(deleted: readonly Customer[]): TransactionStatement[] {
  const companies = deleted.filter(({ kind }) => kind === CustomerKind.COMPANY).map(({ id }) => id);
  if (companies.length === 0) return [];
  const explain = (error: unknown) => (isRefusal(error, companyTooLarge) ? tooManyPeople() : error);
  return [beyondScope, { ...leaveCompanies(companies), explain }];
}

/**
 * Removes deleted companies from their people, including deleted people, since they may be restored. Refuses with
 * `companyTooLarge` for more than `maxCompanyPeople` people.
 */
function leaveCompanies(ids: readonly string[]): Statement {
  return {
    name: 'leave_companies',
    sql: `with people as (
        select id from customer where tenant_id = $1 and company_id = any ($2::uuid[]) order by id
        limit ${maxCompanyPeople + 1} for update)
      update customer set company_id = null, version = version + 1, update_time = $3, updated_by = $4
      where tenant_id = $1 and id in (select id from people)
        and (select refuse_unless((select count(*) from people) <= ${maxCompanyPeople}, '${companyTooLarge}'))`,
    values: [currentCaller().tenantId, [...ids], new Date().toISOString(), currentCaller().principalId],
  };
}

function tooManyPeople(): AppError {
  const message =
    `More than ${maxCompanyPeople.toLocaleString('en')} people belong to it. ` +
    'Give some of them another company first, or merge it into another.';
  return new AppError('FAILED_PRECONDITION', companyTooLarge, message);
}
