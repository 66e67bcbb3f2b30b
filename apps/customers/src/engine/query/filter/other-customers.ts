import type { Condition } from './condition.js';

/** Customers whose live company meets a condition. */
export function ofCompany(conditionOn: (table: string) => Condition): Condition {
  const { row, index } = conditionOn('company');
  const live = 'company.delete_time is null';
  return {
    // OFFSET keeps it a look at one row: as a join it could become a scan of all.
    row: {
      sql: `exists (select from customer company where company.id = customer.company_id and ${live} and (${row.sql}) offset 0)`,
      params: row.params,
    },
    ...(index && {
      index: {
        sql: `customer.company_id = any(array(select company.id from customer company where ${live} and (${index.sql})))`,
        params: index.params,
      },
    }),
  };
}

/** Customers from which a link of the type leads to a live customer that meets a condition. */
export function ofLinked(type: string, conditionOn: (table: string) => Condition): Condition {
  const { row, index } = conditionOn('linked');
  const live = 'linked.delete_time is null';
  return {
    row: {
      sql:
        `exists (select from customer_association link join customer linked on linked.id = link.to_customer_id` +
        ` where link.from_customer_id = customer.id and link.type = ? and ${live} and (${row.sql}) offset 0)`,
      params: [type, ...row.params],
    },
    ...(index && {
      index: {
        sql:
          `customer.id = any(array(select link.from_customer_id from customer_association link where link.type = ?` +
          ` and link.to_customer_id = any(array(select linked.id from customer linked where ${live} and (${index.sql})))))`,
        params: [type, ...index.params],
      },
    }),
  };
}
