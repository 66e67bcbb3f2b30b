import { runInNewContext } from 'node:vm';
import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { isProof, newTicket, readTicket } from './form-tickets.js';
import { proofScript } from './proof-script.js';

const [secret, formId] = [Buffer.from('a secret of the platform'), uuidv7()];

it('the script of a page finds what proves the work for its ticket, even if the form is sent at once', () => {
  const ticket = newTicket(secret, formId);
  const proof = { value: '' as string | number };
  let submit = (): void => expect.unreachable();
  const form = {
    elements: { _ticket: { value: ticket }, _proof: proof },
    addEventListener: (_name: string, listener: () => void) => (submit = listener),
  };
  runInNewContext(proofScript, { document: { querySelector: () => form }, setTimeout: () => undefined });
  expect(isProof(ticket, String(proof.value))).toBe(false);
  submit();
  expect(isProof(ticket, String(proof.value))).toBe(true);
  expect(isProof(newTicket(secret, formId), String(proof.value))).toBe(false);
});

it('a ticket is one of its form, for a day', () => {
  const ticket = newTicket(secret, formId);
  const { time = 0, id } = readTicket(secret, formId, ticket, Date.now()) ?? {};
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(Date.now() - time).toBeLessThan(60_000);
  expect(readTicket(secret, formId, ticket, time + 86_400_001)).toBeUndefined();
  expect(readTicket(secret, uuidv7(), ticket, time)).toBeUndefined();
  expect(readTicket(Buffer.from('another'), formId, ticket, time)).toBeUndefined();
  expect(readTicket(secret, formId, 'x', time)).toBeUndefined();
});
