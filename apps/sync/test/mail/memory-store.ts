import type { StoredItem, StoreLargeMessageRequest } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import { MailIntakeServiceService as Intake } from '@rapport/contracts/rapport/content/v1/mail_intake_service';

interface Place {
  folder: string;
  uidValidity: number;
  uid: number;
}

/** Most mails of an answer of ListStoredMessages, as its contract says. */
const pageSize = 200;

/** Where a call of the store fails: the mails are stored before the answer is lost, or not at all. */
export type Cut = 'BEFORE' | 'AFTER';

/** Stands for customers: stores the mails of one mailbox by their places, as MailIntakeService describes it. */
export class MemoryStore {
  /** Hashes by place. */
  readonly mails = new Map<string, string>();
  /** Called for each call that stores. */
  cut: () => Cut | undefined = () => undefined;

  readonly unary = (path: string, request: unknown): Promise<unknown> => {
    if (path === Intake.storeMessages.path) {
      return Promise.resolve(this.#store((request as { items: StoredItem[] }).items));
    }
    if (path === Intake.listStoredMessages.path) return Promise.resolve(this.#list(request as Place));
    throw new Error(`There is no ${path}.`);
  };

  readonly upload = async (_path: string, requests: AsyncIterable<unknown>): Promise<unknown> => {
    let item: StoredItem | undefined;
    const pieces: Uint8Array[] = [];
    for await (const request of requests as AsyncIterable<StoreLargeMessageRequest>) {
      item ??= request.item;
      pieces.push(request.item?.raw ?? request.data);
    }
    if (!item) throw new Error('The upload names no mail.');
    return this.#store([{ ...item, raw: Buffer.concat(pieces) }]);
  };

  #store(items: readonly StoredItem[]): { messages: unknown[] } {
    const cut = this.cut();
    if (cut === 'BEFORE') throw new Error('cut before the mails are stored');
    for (const item of items) {
      const place = key(item);
      if (!this.mails.has(place)) this.mails.set(place, item.sha256);
    }
    if (cut === 'AFTER') throw new Error('cut after the mails are stored');
    return { messages: [] };
  }

  #list({ folder, uidValidity, afterUid = 0 }: Omit<Place, 'uid'> & { afterUid?: number }): { messages: unknown[] } {
    const found = [...this.mails].flatMap(([place, sha256]) => {
      const [storedFolder, validity, uid] = JSON.parse(place) as [string, number, number];
      return storedFolder === folder && validity === uidValidity && uid > afterUid ? [{ uid, sha256 }] : [];
    });
    return { messages: found.sort((one, other) => one.uid - other.uid).slice(0, pageSize) };
  }
}

function key({ folder, uidValidity, uid }: Place): string {
  return JSON.stringify([folder, uidValidity, uid]);
}
