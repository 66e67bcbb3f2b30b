import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const timeoutMs = 600_000;

export interface DebianRootOptions {
  name: string;
  /** Grows with each change of how the root is made. */
  form: number;
  packages: readonly string[];
  /** Regular expression of `grep -E` for the packages, of those and their dependencies, that are unpacked. */
  only?: string;
  /** Users of the root beside `root`, with their ids. Each has a group of its name and id. */
  users: Readonly<Record<string, number>>;
  /** Shell commands that are run in the folder of the root. */
  setUp?: string;
}

/**
 * Unpacks packages of Debian with their dependencies into a root of its own, once for each machine. Nothing is installed
 * or started, so the servers of the machine stay as they are. Only root can do this, since programs of it run by `chroot`.
 *
 * @returns the folder of the root
 */
export async function debianRoot(options: DebianRootOptions): Promise<string> {
  const { name, form, packages, only = '.', users, setUp = '' } = options;
  if (process.getuid?.() !== 0) throw new Error(`A private ${name} is started by \`chroot\`, which only root can do.`);
  const root = join(tmpdir(), `rapport-${name}-${form}`);
  if (existsSync(join(root, 'etc/complete'))) return root;
  const all = Object.entries({ root: 0, ...users });
  const passwd = all.map(([user, id]) => `${user}:x:${id}:${id}::/:/bin/sh\n`).join('');
  const group = all.map(([user, id]) => `${user}:x:${id}:\n`).join('');
  const parameters = [root, packages.join(' '), only, passwd, group, setUp];
  try {
    await run('flock', ['/tmp/rapport-apt.lock', 'sh', '-euc', script, 'sh', ...parameters], {
      timeout: timeoutMs,
      maxBuffer: 16 * 1_024 * 1_024,
    });
  } finally {
    await rm(join(root, 'packages'), { recursive: true, force: true });
  }
  return root;
}

/** With no package taken as installed, apt names all dependencies. */
const script = `
  root=$1; packages=$2; only=$3; passwd=$4; group=$5; set_up=$6
  test -e "$root/etc/complete" && exit 0
  rm -rf "$root"
  mkdir -p "$root/packages" "$root/usr/lib" "$root/usr/lib64" "$root/usr/bin" "$root/usr/sbin"
  cd "$root"
  ln -s usr/lib lib; ln -s usr/lib64 lib64; ln -s usr/bin bin; ln -s usr/sbin sbin
  mkdir -p dev etc run srv tmp var/lib var/log var/spool
  chmod 1777 tmp
  apt-get update -q
  : > packages/installed
  names=$(apt-get -s -y --no-install-recommends -o Dir::State::status="$root/packages/installed" install $packages |
    sed -n 's/^Inst \\([^ ]*\\) .*/\\1/p' | grep -E "$only")
  (cd packages && apt-get -q -o APT::Sandbox::User=root download $names)
  for package in packages/*.deb; do dpkg --fsys-tarfile "$package" | tar -x --keep-directory-symlink; done
  for device in 'null 3' 'zero 5' 'random 8' 'urandom 9'; do
    set -- $device
    mknod -m 666 "dev/$1" c 1 "$2"
  done
  printf '%s' "$passwd" > etc/passwd
  printf '%s' "$group" > etc/group
  eval "$set_up"
  touch etc/complete
`;
