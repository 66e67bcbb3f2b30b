/** Packages outside the bundles, because their files are served. */
export const externalPackages = ['swagger-ui-dist'];
