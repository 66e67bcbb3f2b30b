/** Tables without data of any tenant, and why. */
export const tablesOfAllTenants = [
  // Workers find the jobs of all tenants in it; it contains only ids and times.
  'operation_job',
  // The key destroyer works for all tenants; it contains only ids.
  'key_destruction',
  // Workers find the timers of all tenants in it; it contains only ids and times.
  'timer_job',
  // Workers find the messages of all tenants in it; it contains only ids and times.
  'mail_job',
  // Workers find the campaigns of all tenants in it; it contains only ids and times.
  'campaign_job',
  // Workers find the tenants with segments in it; it contains only ids, positions and times.
  'segment_job',
  // Shifts the clock in tests.
  'clock_shift',
  // The positions of the platform's own readers in the change log, and its start.
  'change_consumer',
  'change_log_state',
  'change_log_fork',
];

/**
 * Policies that show rows of all tenants: a global gap contains no tenant's data, which a constraint ensures; a link is shown to a
 * session that states the hash of its token.
 */
export const policiesForAll = ['change_log.gap_of_all', 'public_link.by_token'];
