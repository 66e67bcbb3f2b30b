/** The id that stands for the platform instead of a tenant, and in a gap for every tenant. */
export const allTenants = '00000000-0000-0000-0000-000000000000';
