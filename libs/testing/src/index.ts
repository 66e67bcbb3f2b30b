export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.js';
export { assertPortFree, freePort } from './free-port.js';
export { startPlatform, type Platform, type PlatformOptions, type Tenant } from './platform.js';
export { type UnexpectedExit } from './process-exit.js';
export { provisionDatabase, type ProvisionedDatabase, type ProvisionOptions } from './provision-database.js';
export { Service, spawnService, type ServiceOptions } from './spawn-service.js';
