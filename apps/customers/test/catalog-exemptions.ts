/** Tables without data of any tenant, and why. */
export const tablesOfAllTenants = [
  // Workers look for the jobs of all tenants in it, and there is nothing in it but ids and times.
  'operation_job',
  // Keys of all tenants are destroyed by whoever finds them due, and there is nothing in it but ids.
  'key_destruction',
  // How far the platform's own processes have read the change log, and where it begins.
  'change_consumer',
  'change_log_state',
];

/** Policies that show rows of all tenants: a gap of all says nothing of any, which a constraint sees to. */
export const policiesForAll = ['change_log.gap_of_all'];
