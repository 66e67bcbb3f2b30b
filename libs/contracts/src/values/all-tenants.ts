/** The tenant id of the platform itself, and of every tenant in a gap of the change log. */
export const allTenants = '00000000-0000-0000-0000-000000000000';
