import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  MailboxesServiceService as Methods,
  type CreateMailboxRequest,
  type DeleteMailboxRequest,
  type GetMailboxRequest,
  type ListMailboxesResponse,
  type Mailbox as MailboxMessage,
  type MailboxesServiceServer,
  type PauseMailboxRequest,
  type ReceivedMail,
  type ReceiveMailRequest,
  type ReconcileMailboxRequest,
  type ReconcileMailboxResponse,
  type ResumeMailboxRequest,
  type ResyncMailboxRequest,
  type TestMailboxRequest,
  type TestMailboxResponse,
  type UpdateMailboxRequest,
} from '@rapport/contracts/rapport/mail/v1/mailboxes_service';
import { currentCaller } from '@rapport/platform';
import { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { folderPositions } from '../intake/folder-positions.js';
import { ImapAccounts } from '../intake/imap-accounts.js';
import { MailReceiver } from '../intake/mail-receiver.js';
import { MailboxWorker } from '../intake/mailbox-worker.js';
import { reconcileMailbox } from '../intake/reconcile-mailbox.js';
import { StoredMail } from '../intake/stored-mail.js';
import { testMailbox } from '../intake/test-mailbox.js';
import { findMailbox, readable } from './find-mailbox.js';
import { mailboxMessage } from './mailbox-message.js';
import { Mailbox } from './mailbox.entity.js';
import { createMailbox, deleteMailbox, moveMailbox, resyncMailbox, updateMailbox } from './write-mailbox.js';

@Controller()
@ImplementsService(Methods)
export class MailboxesController implements ServiceHandlers<MailboxesServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly http: OutgoingHttp,
    private readonly envelope: SecretEnvelope,
    private readonly accounts: ImapAccounts,
    private readonly stored: StoredMail,
    private readonly worker: MailboxWorker,
    private readonly receiver: MailReceiver,
  ) {}

  async createMailbox(request: CreateMailboxRequest): Promise<MailboxMessage> {
    const rules = { http: this.http, envelope: this.envelope };
    const created = await writeCall(this.em, this.envelope, Methods.createMailbox, request, (em) =>
      createMailbox(em, rules, request),
    );
    this.worker.wake();
    return created;
  }

  async getMailbox({ id }: GetMailboxRequest): Promise<MailboxMessage> {
    return this.#message(this.em, await findMailbox(this.em, id));
  }

  async listMailboxes(): Promise<ListMailboxesResponse> {
    const { tenantId } = currentCaller();
    // UUIDv7 ids sort by creation time.
    const mailboxes = await this.em.find(Mailbox, { tenantId }, { orderBy: { id: 'desc' } });
    const ids = mailboxes.map(({ id }) => id);
    const positions = await folderPositions(this.em, tenantId, ids);
    return { mailboxes: mailboxes.map((mailbox) => mailboxMessage(mailbox, positions.get(mailbox.id) ?? [])) };
  }

  async updateMailbox(request: UpdateMailboxRequest): Promise<MailboxMessage> {
    const rules = { http: this.http, envelope: this.envelope };
    const updated = await writeCall(this.em, this.envelope, Methods.updateMailbox, request, async (em) =>
      this.#message(em, await updateMailbox(em, rules, request)),
    );
    this.worker.wake();
    return updated;
  }

  async deleteMailbox(request: DeleteMailboxRequest): Promise<Empty> {
    await this.em.transactional((em) => deleteMailbox(em, request));
    this.worker.wake();
    return {};
  }

  async testMailbox({ id }: TestMailboxRequest): Promise<TestMailboxResponse> {
    return testMailbox(this.accounts, readable(await findMailbox(this.em, id)));
  }

  pauseMailbox(request: PauseMailboxRequest): Promise<MailboxMessage> {
    return this.#change((em) => moveMailbox(em, request, 'PAUSED'));
  }

  resumeMailbox(request: ResumeMailboxRequest): Promise<MailboxMessage> {
    return this.#change((em) => moveMailbox(em, request, 'ACTIVE'));
  }

  resyncMailbox({ id, resync }: ResyncMailboxRequest): Promise<MailboxMessage> {
    return this.#change((em) => resyncMailbox(em, id, resync?.since));
  }

  receiveMail(requests: AsyncIterable<ReceiveMailRequest>): Promise<ReceivedMail> {
    return this.receiver.receive(this.em, requests);
  }

  async reconcileMailbox({ id, reconciliation }: ReconcileMailboxRequest): Promise<ReconcileMailboxResponse> {
    const mailbox = readable(await findMailbox(this.em, id));
    const checksContent = reconciliation?.checkContent ?? false;
    return reconcileMailbox(this.em, { accounts: this.accounts, stored: this.stored }, mailbox, checksContent);
  }

  async #change(work: (em: EntityManager) => Promise<Mailbox>): Promise<MailboxMessage> {
    const changed = await this.em.transactional(async (em) => this.#message(em, await work(em)));
    this.worker.wake();
    return changed;
  }

  async #message(em: EntityManager, mailbox: Mailbox): Promise<MailboxMessage> {
    const positions = await folderPositions(em, mailbox.tenantId, [mailbox.id]);
    return mailboxMessage(mailbox, positions.get(mailbox.id) ?? []);
  }
}
