// Prepares the mail servers and clients that tests run: `nx run tools:mail-peers`. Nothing is installed into the system, and no service is started.
import { clamdRoot, cyrusRoot, dovecotRoot, mailClientsRoot, mailmanRoot, postfixRoot } from '@rapport/testing';

console.log(`Dovecot: ${await dovecotRoot()}`);
console.log(`Cyrus: ${await cyrusRoot()}`);
console.log(`ClamAV: ${await clamdRoot()}`);
console.log(`Mailman: ${await mailmanRoot()}`);
console.log(`Postfix: ${await postfixRoot()}`);
console.log(`Mail clients: ${await mailClientsRoot()}`);
