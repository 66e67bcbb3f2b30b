import { queryDatabase, type SharedPlatform } from '@rapport/testing';

/** Signs a user in past the sign-in pages. @returns the id of the session */
export async function addSession(
  { customersDatabase }: SharedPlatform,
  tenantId: string,
  userId: string,
): Promise<string> {
  const url = new URL(customersDatabase.superuserUrl);
  url.pathname = 'auth';
  const id = crypto.randomUUID();
  await queryDatabase(
    url.href,
    `insert into user_session (tenant_id, id, user_id, create_time, expire_time)
     values ($1, $2, $3, now(), now() + interval '1 hour')`,
    [tenantId, id, userId],
  );
  return id;
}
