// Starts a Dovecot to try mailboxes with, until SIGINT or SIGTERM: `nx run tools:local-mailbox`. Its mails end with it.
//   RAPPORT_DIR  folder that gets mailbox.json, the `imap` of a mailbox with the password (.rapport)
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startDovecot } from '@rapport/testing';

const dataDir = resolve(import.meta.dirname, '..', process.env['RAPPORT_DIR'] ?? '.rapport');
const file = join(dataDir, 'mailbox.json');

const server = await startDovecot();
const { port, password } = server;
const imap = { host: '127.0.0.1', port, security: 'NONE', credentials: { user: 'help', password } };
await mkdir(dataDir, { recursive: true, mode: 0o700 });
await rm(file, { force: true });
await writeFile(file, `${JSON.stringify(imap)}\n`, { mode: 0o600 });
console.log(`A Dovecot listens on 127.0.0.1:${port}. The password of its user ${imap.credentials.user} is in ${file}.`);
console.log('Ctrl-C stops it, and removes its mails.');

const stopped = Promise.withResolvers<void>();
process.on('SIGINT', stopped.resolve).on('SIGTERM', stopped.resolve).on('SIGHUP', stopped.resolve);
// The end of the parent process.
process.once('disconnect', stopped.resolve);
await stopped.promise;
await rm(file);
await server.stop();
process.exit(0);
