/** Packages that no bundle holds, because their files are served. */
export const externalPackages = ['swagger-ui-dist'];
