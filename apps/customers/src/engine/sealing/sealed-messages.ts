import type { DescMessage } from '@bufbuild/protobuf';
import { maskText, PersonalDataMask, recordContracts } from '@rapport/contracts';
import { AppError } from '@rapport/platform';
import { contract, methodDescriptor } from '../values/contract.js';
import { isSealed } from './data-key.js';
import { currentSeal, type Seal } from './seal.js';

type Values = Record<string, unknown>;

const mask = new PersonalDataMask(contract);

/** A type of messages with personal data. Each message is sealed with the key of its subject, the record that the data is about. */
export interface SealedType<Message> {
  message: DescMessage;
  /** Id of the subject. */
  subjectOf(message: Message): string;
}

/** Seals the personal data of a record, or of a part of one, with the key of `subject`. */
export function sealRecord<Part extends object>(
  seal: Seal,
  { message }: SealedType<never>,
  subject: string,
  part: Part,
): Part {
  return mask.replace(message, part, (text) => seal.sealText(subject, text));
}

/** Opens the personal data of a record, or of a part of one. Its keys must be loaded. */
export function openRecord<Part extends object>(seal: Seal, { message }: SealedType<never>, part: Part): Part {
  return mask.replace(message, part, (text) => (isSealed(text) ? seal.openText(text) : text));
}

/**
 * Opens stored records, and prepares the seal to write them: each sealed record keeps its key, and a record that is not sealed yet gets
 * one.
 */
export async function openRecords<Message extends object>(
  seal: Seal,
  type: SealedType<Message>,
  records: readonly Message[],
): Promise<Message[]> {
  const texts = records.map((record) => sealedTexts(type, record));
  await seal.load(texts.flat());
  await seal.prepare(records.filter((_, index) => texts[index]?.length === 0).map((record) => type.subjectOf(record)));
  return records.map((record, index) => {
    const [sealed] = texts[index] ?? [];
    if (sealed !== undefined) seal.goOnWith(type.subjectOf(record), sealed);
    return openRecord(seal, type, record);
  });
}

/**
 * ABORTED CONCURRENT_WRITE: encryption was just enabled, and the call started without keys or read data that is not
 * encrypted yet.
 */
export function sealMissing(): AppError {
  const message = 'The personal data of this tenant is being encrypted. Try again.';
  return new AppError('ABORTED', 'CONCURRENT_WRITE', message, { retryAfterSeconds: 1 });
}

/** Seals a part of a record if the current call has a seal. The key of `subject` must be prepared. */
export function storedPart<Part extends object>(type: SealedType<never>, subject: string, part: Part): Part {
  const seal = currentSeal();
  return seal ? sealRecord(seal, type, subject, part) : part;
}

/** Opens the result of `storedPart`. */
export async function openPart<Part extends object>(type: SealedType<never>, part: Part): Promise<Part> {
  const seal = currentSeal();
  if (!seal) return part;
  await seal.load(sealedTexts(type, part));
  return openRecord(seal, type, part);
}

/** The sealed texts of a record, or of a part of one. */
export function sealedTexts({ message }: SealedType<never>, part: object): string[] {
  return sealedTextsIn(message, part);
}

/** Prepares a response for storage: seals the data of each record with the key of its subject, and masks other personal data. */
export function sealAnswer<Answer extends object>(path: string, answer: Answer): Answer {
  const seal = currentSeal();
  return seal ? sealMessage(seal, methodDescriptor(path).output, answer) : answer;
}

/** Opens a response that may have been stored. */
export async function openAnswer<Answer extends object>(path: string, answer: Answer): Promise<Answer> {
  const seal = currentSeal();
  if (!seal) return answer;
  const { output } = methodDescriptor(path);
  const sealed = sealedTextsIn(output, answer);
  if (sealed.length === 0) return answer;
  await seal.load(sealed);
  return mask.replace(output, answer, (text) => (isSealed(text) && seal.knows(text) ? seal.openText(text) : text));
}

/** The sealed texts of a message. */
function sealedTextsIn(desc: DescMessage, message: object): string[] {
  const texts: string[] = [];
  mask.replace(desc, message, (text) => {
    if (isSealed(text)) texts.push(text);
    return text;
  });
  return texts;
}

function sealMessage<Whole extends object>(seal: Seal, desc: DescMessage, message: Whole): Whole {
  const subject = subjectOf(desc, message as Values);
  if (subject !== undefined) return mask.replace(desc, message, (text) => seal.sealText(subject, text));
  const sealed: Values = { ...(message as Values) };
  const personal = mask.fieldNames(desc);
  for (const { jsonName: name, message: type } of desc.fields) {
    if (!personal.has(name)) continue;
    const each = (value: unknown) => (type ? sealMessage(seal, type, value as Values) : maskText);
    const value = sealed[name];
    if (value === undefined || value === '') continue;
    sealed[name] = Array.isArray(value) ? value.map(each) : each(value);
  }
  return sealed as Whole;
}

/** Id of the record that the personal data in a message is about. */
function subjectOf({ typeName }: DescMessage, message: Values): string | undefined {
  const field = subjectFields.get(typeName);
  return field === undefined ? undefined : ((message[field] ?? message['id']) as string);
}

/** JSON names of the fields with the ids of subjects, by message type. */
const subjectFields: ReadonlyMap<string, string> = new Map([
  ...recordContracts(contract).map(({ message, fields, options }): [string, string] => [
    message.typeName,
    fields.find(({ column }) => column === options.subject)?.name ?? 'id',
  ]),
  ['rapport.customers.v1.Consent', 'customerId'],
  ['rapport.content.v1.File', 'id'],
  ['rapport.content.v1.FileUpload', 'id'],
]);
