import { debianRoot } from './debian-root.js';

/** The root of Debian's Dovecot. Programs that its packages depend on, such as Perl, are not needed. */
export function dovecotRoot(): Promise<string> {
  return debianRoot({
    ...{ name: 'dovecot', form: 3, packages: ['dovecot-imapd', 'dovecot-sieve', 'libfaketime'] },
    only: '^(lib|zlib|dovecot-(core|imapd|sieve))',
    users: { mail: 8, nobody: 65_534, nogroup: 65_534 },
    setUp: `
      mkdir -p var/lib/dovecot
      ln -s "/$(echo usr/lib/*/faketime/libfaketime.so.1)" usr/lib/libfaketime.so
    `,
  });
}
