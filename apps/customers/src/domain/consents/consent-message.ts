import {
  ConsentsServiceService,
  ConsentState,
  ContactChannel,
  LegalBasis,
  type Consent as ConsentMessage,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import { loggedColumns, type LoggedType } from '../../engine/changes/log/logged-types.js';
import { isoTime } from '../../engine/records/record-rows.js';
import { isSealed } from '../../engine/sealing/data-key.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { sealMissing } from '../../engine/sealing/sealed-messages.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import type { Consent } from './consent.entity.js';

const descriptor = methodDescriptor(ConsentsServiceService.getConsent.path).output;

/** Consents in the change log. */
export const loggedConsents: LoggedType = {
  name: 'consent',
  table: 'consent',
  descriptor,
  columns: loggedColumns(descriptor),
  scope: { by: 'RECORD', of: { customer_id: 'customer' } },
  empty: {},
};

/** A stored consent. Times have the type that the driver or the ORM returns. */
export interface ConsentRow extends Pick<
  Consent,
  'id' | 'purpose' | 'channel' | 'state' | 'legalBasis' | 'source' | 'evidence' | 'createdBy'
> {
  customerId: string;
  time: Date | string;
  createTime: Date | string;
}

/** Columns for `select`, each under its property's name. */
export const consentColumns = `consent.id, consent.customer_id as "customerId", consent.purpose, consent.channel,
  consent.state, consent.legal_basis as "legalBasis", consent.source, consent.time, consent.evidence,
  consent.create_time as "createTime", consent.created_by as "createdBy"`;

/** Decrypts stored consents and converts them to messages of the contract. */
export async function consentMessages(rows: readonly ConsentRow[]): Promise<ConsentMessage[]> {
  const sealed = rows.flatMap(({ evidence }) => (evidence && isSealed(evidence) ? [evidence] : []));
  if (sealed.length === 0) return rows.map(consentMessage);
  const seal = currentSeal();
  if (!seal) throw sealMissing();
  await seal.load(sealed);
  const open = (evidence: string | null | undefined) =>
    evidence && isSealed(evidence) ? seal.openText(evidence) : evidence;
  return rows.map((row) => consentMessage({ ...row, evidence: open(row.evidence) }));
}

/** Converts a decrypted consent to the message of the contract. */
export function consentMessage(row: ConsentRow): ConsentMessage {
  return {
    id: row.id,
    customerId: row.customerId,
    purpose: row.purpose,
    channel: ContactChannel[row.channel],
    state: ConsentState[row.state],
    legalBasis: LegalBasis[row.legalBasis],
    source: row.source,
    time: isoTime(row.time),
    evidence: row.evidence ?? undefined,
    createTime: isoTime(row.createTime),
    createdBy: row.createdBy,
  };
}
