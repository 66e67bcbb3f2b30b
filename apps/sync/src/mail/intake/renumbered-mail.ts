import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { NumberedFolder, StoredMail } from './stored-mail.js';

/** What a mail was stored as, before the server renumbered its folder. */
export interface FormerPlace {
  uidValidity: number;
  uid: number;
}

/** A mail under its present UID, and what it was stored as. */
export interface RenumberedMail {
  uid: number;
  sha256: string;
  former: FormerPlace;
}

interface RenumberedRow {
  uid: string;
  sha256: string;
  stored_uid_validity: string;
  stored_uid: string;
}

/** Mails of a folder that were stored under other UIDs, by UID. @param em with the session of the tenant */
export async function renumberedMails(
  em: EntityManager,
  { tenantId, mailboxId, folder, uidValidity }: NumberedFolder,
): Promise<Map<number, RenumberedMail>> {
  const rows = await readForTenant<RenumberedRow>(em, {
    sql: `select uid, sha256, stored_uid_validity, stored_uid from renumbered_mail
      where tenant_id = $1 and mailbox_id = $2 and folder = $3 and uid_validity = $4`,
    values: [tenantId, mailboxId, folder, uidValidity],
  });
  return new Map(
    rows.map(({ uid, sha256, ...row }) => {
      const former = { uidValidity: Number(row.stored_uid_validity), uid: Number(row.stored_uid) };
      return [Number(uid), { uid: Number(uid), sha256, former }];
    }),
  );
}

/** Notes that mails are stored already. */
export async function noteRenumbered(
  em: EntityManager,
  { tenantId, mailboxId, folder, uidValidity }: NumberedFolder,
  mails: readonly RenumberedMail[],
): Promise<void> {
  if (mails.length === 0) return;
  await readForTenant(em, {
    sql: `insert into renumbered_mail
        (tenant_id, mailbox_id, folder, uid_validity, uid, sha256, stored_uid_validity, stored_uid)
      select $1, $2, $3, $4, uid, sha256, former_validity, former_uid
      from unnest($5::bigint[], $6::text[], $7::bigint[], $8::bigint[]) as t (uid, sha256, former_validity, former_uid)
      on conflict do nothing`,
    values: [
      ...[tenantId, mailboxId, folder, uidValidity],
      mails.map(({ uid }) => uid),
      mails.map(({ sha256 }) => sha256),
      mails.map(({ former }) => former.uidValidity),
      mails.map(({ former }) => former.uid),
    ],
  });
}

/**
 * Stored mails of a folder that the server has not shown under its present numbering yet, by hash. With a new
 * UIDVALIDITY, all mails have new UIDs: a mail with the bytes of one of these is that mail. Equal mails are counted, so
 * that none of them is lost.
 */
export class FormerMails {
  private constructor(private readonly places: Map<string, FormerPlace[]>) {}

  static async find(
    em: EntityManager,
    stored: StoredMail,
    folder: NumberedFolder,
    formerValidities: readonly number[],
  ): Promise<FormerMails> {
    const known = await renumberedMails(em, folder);
    const shown = new Set([...known.values()].map(({ former }) => `${former.uidValidity}/${former.uid}`));
    const places = new Map<string, FormerPlace[]>();
    for (const uidValidity of formerValidities) {
      for (const [uid, sha256] of await stored.list({ ...folder, uidValidity })) {
        if (sha256 === undefined || shown.has(`${uidValidity}/${uid}`)) continue;
        const equal = places.get(sha256) ?? [];
        equal.push({ uidValidity, uid });
        places.set(sha256, equal);
      }
    }
    return new FormerMails(places);
  }

  /** Takes a mail with these bytes. @returns undefined when there is none: the mail is new */
  take(sha256: string): FormerPlace | undefined {
    return this.places.get(sha256)?.shift();
  }
}
