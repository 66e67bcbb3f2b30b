/**
 * Packages that no bundle holds, because they must be the one that another package finds by its name (NestJS loads grpc-js with
 * `require`), or because their files are served.
 */
export const externalPackages = ['@grpc/grpc-js', '@grpc/proto-loader', 'swagger-ui-dist'];
