// Prepares the mail servers and clients that tests run: `nx run tools:mail-peers`. Nothing is installed into the system, and no service is started.
import { cyrusRoot, dovecotRoot, mailClientsRoot } from '@rapport/testing';

console.log(`Dovecot: ${await dovecotRoot()}`);
console.log(`Cyrus: ${await cyrusRoot()}`);
console.log(`Mail clients: ${await mailClientsRoot()}`);
