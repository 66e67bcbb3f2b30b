// Prepares the mail servers that tests start: `nx run tools:mail-peers`. Nothing is installed into the system, and no service is started.
import { dovecotRoot } from '@rapport/testing';

console.log(`Dovecot: ${await dovecotRoot()}`);
