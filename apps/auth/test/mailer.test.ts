import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { freePort } from '@rapport/testing';
import { expect, test } from 'vitest';
import { Mailer } from '../src/sign-in/mailer.js';

const mail = { to: 'ada@example.com', subject: 'Your invitation to Ünïted\r\nBcc: eve@example.com', text: 'Hello' };

test('sends a mail by SMTP, only to its recipient, whatever the subject contains', async () => {
  const port = await freePort();
  const received: { to: string[]; content: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, { envelope }, done) => {
      void text(stream).then((content) => {
        received.push({ to: envelope.rcptTo.map(({ address }) => address), content });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

  try {
    await new Mailer({ mailUrl: `smtp://127.0.0.1:${port}`, mailFrom: 'Rapport <no-reply@example.com>' }).send(mail);
  } finally {
    await new Promise<void>((resolve) => server.close(resolve));
  }

  expect(received).toHaveLength(1);
  expect(received[0]?.to).toEqual(['ada@example.com']);
  expect(received[0]?.content).toContain('From: Rapport <no-reply@example.com>');
  expect(received[0]?.content).not.toMatch(/^Bcc:/m);
});

test('fails with a retry time when the server cannot be reached', async () => {
  const mailer = new Mailer({ mailUrl: `smtp://127.0.0.1:${await freePort()}`, mailFrom: 'no-reply@example.com' });

  await expect(mailer.send(mail)).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'MAIL_NOT_SENT' });
});
