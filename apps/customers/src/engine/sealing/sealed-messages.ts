import type { DescMessage } from '@bufbuild/protobuf';
import { maskText, PersonalDataMask, recordContracts } from '@rapport/contracts';
import { AppError } from '@rapport/platform';
import { contract, methodDescriptor } from '../values/contract.js';
import { isSealed } from './data-key.js';
import { currentSeal, type Seal } from './seal.js';

type Values = Record<string, unknown>;

const mask = new PersonalDataMask(contract);

/** What is sealed: messages of one type, each with the key of the record that its personal data is about. */
export interface SealedType<Message> {
  message: DescMessage;
  /** Id of that record. */
  subjectOf(message: Message): string;
}

/** A record, or a part of one, with its personal data sealed for the record `subject`. */
export function sealRecord<Part extends object>(
  seal: Seal,
  { message }: SealedType<never>,
  subject: string,
  part: Part,
): Part {
  return mask.replace(message, part, (text) => seal.sealText(subject, text));
}

/** A record, or a part of one, with its personal data open. Its keys were loaded. */
export function openRecord<Part extends object>(seal: Seal, { message }: SealedType<never>, part: Part): Part {
  return mask.replace(message, part, (text) => (isSealed(text) ? seal.openText(text) : text));
}

/**
 * Records as they are stored, open. From now on each is sealed with the key that it has; one that is not sealed yet has got
 * a key.
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

/** ABORTED: encryption was turned on a moment ago, and the call has begun without keys, or met what is not sealed yet. */
export function sealMissing(): AppError {
  const message = 'The personal data of this tenant is being encrypted. Try again.';
  return new AppError('ABORTED', 'CONCURRENT_WRITE', message, { retryAfterSeconds: 1 });
}

/** `sealRecord` when the call seals: the keys of the record are at hand. */
export function storedPart<Part extends object>(type: SealedType<never>, subject: string, part: Part): Part {
  const seal = currentSeal();
  return seal ? sealRecord(seal, type, subject, part) : part;
}

/** What `storedPart` made, open again. */
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

/** An answer as it is kept: what it says of customers sealed for each, all other personal data hidden. */
export function sealAnswer<Answer extends object>(path: string, answer: Answer): Answer {
  const seal = currentSeal();
  return seal ? sealMessage(seal, methodDescriptor(path).output, answer) : answer;
}

/** An answer that may have been kept, open. */
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

/** Whose personal data is in a message. */
function subjectOf({ typeName }: DescMessage, message: Values): string | undefined {
  const field = subjectFields.get(typeName);
  return field === undefined ? undefined : ((message[field] ?? message['id']) as string);
}

/** The fields with the ids of those whose personal data is in messages, by the types of these. */
const subjectFields: ReadonlyMap<string, string> = new Map([
  ...recordContracts(contract).map(({ message, fields, options }): [string, string] => [
    message.typeName,
    fields.find(({ column }) => column === options.subject)?.name ?? 'id',
  ]),
  ['rapport.customers.v1.Consent', 'customerId'],
]);
