/** The customer of the parameters $1 (tenant) and $2, and those merged into it, as the table `own`. */
export const ownCustomers = `
  own as (
    select $2::uuid as id
    union
    select customer.id from own join customer on customer.tenant_id = $1 and customer.merged_into_id = own.id
  )`;
