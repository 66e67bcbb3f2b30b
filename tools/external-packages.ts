/** Packages outside the bundles, because their files are served or read. */
export const externalPackages = ['swagger-ui-dist', 'mrml'];
