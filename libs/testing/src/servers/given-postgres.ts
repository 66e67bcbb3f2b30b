import type { EmbeddedPostgres } from './embedded-postgres.js';

/** A running server in place of an embedded one. Its owner stops it; what would kill or start it fails. */
export function givenPostgres(superuserUrl: string): EmbeddedPostgres {
  const refuse = () => Promise.reject(new Error(refusal));
  return {
    port: Number(new URL(superuserUrl).port),
    superuserUrl,
    get pid(): number {
      throw new Error(refusal);
    },
    kill: refuse,
    start: refuse,
    stop: () => Promise.resolve(),
  };
}

const refusal = 'This PostgreSQL is not of the platform.';
