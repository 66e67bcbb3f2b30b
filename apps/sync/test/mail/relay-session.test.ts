import { ScriptedRelay, type RelayAct, type RelayMoment } from '@rapport/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RelayError, RelaySession } from '../../src/mail/relays/relay-session.js';

const content = Buffer.from('Subject: Hello\r\n\r\nHello.\r\n');
const envelope = { from: 'bounce+1@example.com', to: ['ada@example.net', 'bob@example.net'] };

let relay: ScriptedRelay;

beforeEach(async () => {
  relay = await ScriptedRelay.start();
});

afterEach(() => relay.stop());

/** Sends one message to a relay that acts at one moment. */
async function sendAt(moment: RelayMoment | undefined, act: RelayAct = 'CUT') {
  relay.script = (now) => (now === moment ? act : undefined);
  const server = { address: '127.0.0.1', host: 'localhost', port: relay.port, security: 'NONE' as const };
  const session = await RelaySession.open(server);
  const result = await session.send(envelope, content);
  session.close();
  return result;
}

test('hands over a message to all recipients, with the answer of the relay', async () => {
  expect(await sendAt(undefined)).toMatchObject({ outcome: 'HANDED_OVER', isUsable: true });
  expect(relay.received).toEqual([{ ...envelope, content: content.toString(), isAccepted: true }]);
});

test.each(['MAIL', 'RCPT', 'DATA'] as const)(
  'defers a message when the connection ends at %s: the relay does not have it',
  async (moment) => {
    expect(await sendAt(moment)).toMatchObject({ outcome: 'DEFERRED', isUsable: false });
    expect(relay.received).toEqual([]);
  },
);

test.each(['CONTENT', 'DOT'] as const)(
  'does not know about a message when the connection ends at %s, after all of it was sent',
  async (moment) => {
    expect(await sendAt(moment)).toMatchObject({ outcome: 'UNKNOWN', isUsable: false });
    expect(relay.accepted).toEqual([]);
  },
);

test.each([
  ['MAIL', 550, 'FAILED'],
  ['MAIL', 451, 'DEFERRED'],
  ['RCPT', 550, 'FAILED'],
  ['RCPT', 450, 'DEFERRED'],
  ['DOT', 554, 'FAILED'],
  ['DOT', 452, 'DEFERRED'],
] as const)('follows the answer to %s: %i is %s', async (moment, code, outcome) => {
  const result = await sendAt(moment, { code, text: 'Not now' });
  expect(result).toMatchObject({ outcome });
  expect(result.response).toContain(String(code));
});

test('hands over to the recipients that the relay takes, and names the others', async () => {
  relay.script = (moment, { to }) =>
    moment === 'RCPT' && to[0] === 'bob@example.net' ? { code: 550, text: 'Unknown' } : undefined;
  const server = { address: '127.0.0.1', host: 'localhost', port: relay.port, security: 'NONE' as const };
  const session = await RelaySession.open(server);
  const result = await session.send(envelope, content);
  session.close();
  expect(result).toMatchObject({
    outcome: 'HANDED_OVER',
    response: expect.stringContaining('bob@example.net') as string,
  });
  expect(relay.received[0]?.to).toEqual(['ada@example.net']);
});

test.each(['CONNECT', 'EHLO'] as const)('has no session when the connection ends at %s', async (moment) => {
  await expect(sendAt(moment)).rejects.toMatchObject({ reason: 'UNREACHABLE' });
});

test('has no session with a relay that refuses, or without the encryption that it asks for', async () => {
  await expect(sendAt('CONNECT', { code: 554, text: 'No' })).rejects.toMatchObject({ reason: 'REFUSED' });
  const server = { address: '127.0.0.1', host: 'localhost', port: relay.port };
  relay.script = () => undefined;
  await expect(RelaySession.open({ ...server, security: 'STARTTLS' })).rejects.toBeInstanceOf(RelayError);
});
