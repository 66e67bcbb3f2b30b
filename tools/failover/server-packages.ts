import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { installDebianPackage } from '@rapport/testing';

/** The folder of PostgreSQL's programs. */
export const postgresPrograms = '/usr/lib/postgresql/17/bin';

const programs = ['/usr/bin/patroni', '/usr/bin/etcd', '/usr/sbin/haproxy', `${postgresPrograms}/postgres`];
/** How Patroni reaches etcd. */
const etcdClient = '/usr/lib/python3/dist-packages/etcd/__init__.py';

/** Files that keep the packages from starting anything, by their paths. They are removed after the installation. */
const guards = {
  '/etc/postgresql-common/createcluster.d/rapport-failover.conf': 'create_main_cluster = false\n',
  // Status 101 forbids the start of services. https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
  '/usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n',
};

/** Installs Debian's Patroni, etcd, HAProxy and PostgreSQL 17 unless they are there. No service and no cluster is started. */
export async function installServers(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('Network namespaces and packages need root.');
  if ([...programs, etcdClient].every((path) => existsSync(path))) return;
  const added = Object.entries(guards).filter(([path]) => !existsSync(path));
  try {
    for (const [path, text] of added) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { mode: 0o755 });
    }
    await installDebianPackage('patroni python3-etcd etcd-server haproxy postgresql-17');
  } finally {
    for (const [path] of added) await rm(path, { force: true });
  }
}
