import type { DescMessage } from '@bufbuild/protobuf';
import { maskText, PersonalDataMask } from '@rapport/contracts';
import { AppError } from '@rapport/platform';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { contract, methodDescriptor } from '../values/contract.js';
import { isSealed } from './data-key.js';
import { currentSeal, type Seal } from './seal.js';

type Message = Record<string, unknown>;

const mask = new PersonalDataMask(contract);
const customerDescriptor = methodDescriptor(CustomersServiceService.getCustomer.path).output;

/** A customer, or a part of one, with its personal data sealed for `customerId`. */
export function sealCustomer<Part extends Partial<Customer>>(seal: Seal, customerId: string, customer: Part): Part {
  return mask.replace(customerDescriptor, customer, (text) => seal.sealText(customerId, text));
}

/** A customer, or a part of one, with its personal data open. Its keys were loaded. */
export function openCustomer<Part extends Partial<Customer>>(seal: Seal, customer: Part): Part {
  return mask.replace(customerDescriptor, customer, (text) => (isSealed(text) ? seal.openText(text) : text));
}

/**
 * Customers as they are stored, open. From now on each is sealed with the key that it has; one that is not sealed yet has got
 * a key.
 */
export async function openRows(seal: Seal, customers: readonly Customer[]): Promise<Customer[]> {
  const texts = customers.map(sealedTexts);
  await seal.load(texts.flat());
  await seal.prepare(customers.filter((_, index) => texts[index]?.length === 0).map(({ id }) => id));
  return customers.map((customer, index) => {
    const [sealed] = texts[index] ?? [];
    if (sealed !== undefined) seal.goOnWith(customer.id, sealed);
    return openCustomer(seal, customer);
  });
}

/** ABORTED: encryption was turned on a moment ago, and the call has begun without keys, or met what is not sealed yet. */
export function sealMissing(): AppError {
  const message = 'The personal data of this tenant is being encrypted. Try again.';
  return new AppError('ABORTED', 'CONCURRENT_WRITE', message, { retryAfterSeconds: 1 });
}

/** `sealCustomer` when the call seals: the keys of the customer are at hand. */
export function storedPart<Part extends Partial<Customer>>(customerId: string, customer: Part): Part {
  const seal = currentSeal();
  return seal ? sealCustomer(seal, customerId, customer) : customer;
}

/** What `storedPart` made, open again. */
export async function openPart<Part extends Partial<Customer>>(part: Part): Promise<Part> {
  const seal = currentSeal();
  if (!seal) return part;
  await seal.load(sealedTexts(part));
  return openCustomer(seal, part);
}

/** The sealed texts of a customer, or of a part of one. */
export function sealedTexts(customer: Partial<Customer>): string[] {
  return textsOf(customerDescriptor, customer);
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
  const sealed = textsOf(output, answer);
  if (sealed.length === 0) return answer;
  await seal.load(sealed);
  return mask.replace(output, answer, (text) => (isSealed(text) && seal.knows(text) ? seal.openText(text) : text));
}

function textsOf(desc: DescMessage, message: object): string[] {
  const texts: string[] = [];
  mask.replace(desc, message, (text) => {
    if (isSealed(text)) texts.push(text);
    return text;
  });
  return texts;
}

function sealMessage<Whole extends object>(seal: Seal, desc: DescMessage, message: Whole): Whole {
  const subject = subjectOf(desc, message as Message);
  if (subject !== undefined) return mask.replace(desc, message, (text) => seal.sealText(subject, text));
  const sealed: Message = { ...(message as Message) };
  const personal = mask.fieldNames(desc);
  for (const { jsonName: name, message: type } of desc.fields) {
    if (!personal.has(name)) continue;
    const each = (value: unknown) => (type ? sealMessage(seal, type, value as Message) : maskText);
    const value = sealed[name];
    if (value === undefined || value === '') continue;
    sealed[name] = Array.isArray(value) ? value.map(each) : each(value);
  }
  return sealed as Whole;
}

/** Whose personal data is in a message. */
function subjectOf({ typeName }: DescMessage, message: Message): string | undefined {
  switch (typeName) {
    case 'rapport.customers.v1.Customer':
      return message['id'] as string;
    case 'rapport.customers.v1.Consent':
      return message['customerId'] as string;
    default:
      return undefined;
  }
}
