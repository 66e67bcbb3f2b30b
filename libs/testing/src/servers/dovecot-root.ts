import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const timeoutMs = 600_000;

/** Grows with each change of how the root is made. */
const form = 1;

/**
 * Unpacks Debian's Dovecot with its libraries into a root of its own, once for each machine. Nothing is installed or
 * started, so the mail servers of the machine stay as they are. Only root can do this, since the server runs by `chroot`.
 *
 * @returns the folder of the root
 */
export async function dovecotRoot(): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error('A private Dovecot is started by `chroot`, which only root can do.');
  const root = join(tmpdir(), `rapport-dovecot-${form}`);
  if (existsSync(join(root, 'etc/complete'))) return root;
  await run('flock', ['/tmp/rapport-apt.lock', 'sh', '-euc', script, 'sh', root], {
    timeout: timeoutMs,
    maxBuffer: 16 * 1_024 * 1_024,
  });
  return root;
}

/** Libraries come from packages of their own. Programs that the packages of Dovecot depend on, such as Perl, are not needed. */
const script = `
  root=$1
  test -e "$root/etc/complete" && exit 0
  rm -rf "$root"
  mkdir -p "$root/packages" "$root/usr/lib" "$root/usr/lib64" "$root/usr/bin" "$root/usr/sbin"
  cd "$root"
  ln -s usr/lib lib; ln -s usr/lib64 lib64; ln -s usr/bin bin; ln -s usr/sbin sbin
  mkdir -p dev etc run srv tmp var/lib/dovecot
  apt-get update -q
  names=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \\
    --no-enhances dovecot-imapd | grep -E '^(lib|zlib|dovecot-(core|imapd|sieve))' | sort -u)
  (cd packages && apt-get -q -o APT::Sandbox::User=root download $names)
  for package in packages/*.deb; do dpkg --fsys-tarfile "$package" | tar -x --keep-directory-symlink; done
  rm -r packages
  mknod -m 666 dev/null c 1 3
  mknod -m 666 dev/urandom c 1 9
  printf 'root:x:0:0::/:/bin/false\\nnobody:x:65534:65534::/:/bin/false\\nmail:x:8:8::/:/bin/false\\n' > etc/passwd
  printf 'root:x:0:\\nnogroup:x:65534:\\nmail:x:8:\\n' > etc/group
  chmod 1777 tmp
  touch etc/complete
`;
