import { postgresSettings } from '@rapport/testing';
import { postgresPrograms } from './server-packages.ts';

export const databasePort = 5432;
export const patroniPort = 8008;
const etcdPort = 2379;
const etcdPeerPort = 2380;

/** A machine of the cluster as the others know it. */
export interface Member {
  name: string;
  /** Of etcd and Patroni. */
  address: string;
  /** By which its standbys reach its PostgreSQL. */
  databaseAddress: string;
}

export interface Passwords {
  superuser: string;
  replication: string;
}

export function etcdCommand(own: Member, members: readonly Member[], dataDir: string): string[] {
  const peerUrl = ({ address }: Member) => `http://${address}:${etcdPeerPort}`;
  const clientUrl = `http://${own.address}:${etcdPort}`;
  return [
    ...['etcd', `--name=${own.name}`, `--data-dir=${dataDir}`, '--log-level=warn'],
    ...[`--listen-client-urls=${clientUrl}`, `--advertise-client-urls=${clientUrl}`],
    ...[`--listen-peer-urls=${peerUrl(own)}`, `--initial-advertise-peer-urls=${peerUrl(own)}`],
    `--initial-cluster=${members.map((member) => `${member.name}=${peerUrl(member)}`).join(',')}`,
    // Longer than a busy machine keeps a process waiting.
    ...['--heartbeat-interval=200', '--election-timeout=2000'],
  ];
}

/**
 * The configuration of Patroni, in JSON, which is YAML. A commit is acknowledged when one of the two standbys has it, and
 * never without one (`synchronous_mode_strict`).
 */
export function patroniFile(own: Member, members: readonly Member[], folder: string, passwords: Passwords): string {
  const hosts = members.map(({ address }) => `${address}:${etcdPort}`);
  const subnet = `${own.address.split('.').slice(0, 3).join('.')}.0/24`;
  return JSON.stringify({
    scope: 'rapport',
    name: own.name,
    restapi: { listen: `${own.address}:${patroniPort}`, connect_address: `${own.address}:${patroniPort}` },
    etcd3: { hosts },
    bootstrap: {
      dcs: {
        // The least that Patroni allows, since ttl ≥ loop_wait + 2 × retry_timeout.
        ...{ ttl: 20, loop_wait: 2, retry_timeout: 9, maximum_lag_on_failover: 1_048_576 },
        ...{ synchronous_mode: 'quorum', synchronous_mode_strict: true },
        postgresql: {
          ...{ use_pg_rewind: true, use_slots: true, remove_data_directory_on_diverged_timelines: true },
          parameters: {
            ...postgresSettings({ memoryMiB: 512, hasLz4: true }),
            ...{ max_wal_size: '512MB', timezone: 'UTC', autovacuum_naptime: '5s' },
            // A slot is free for a standby whose connection was cut only when the former one has timed out.
            ...{ wal_sender_timeout: '10s', wal_receiver_timeout: '10s' },
            // In the folder of the data, which is removed at the end.
            dynamic_shared_memory_type: 'mmap',
          },
        },
      },
      initdb: [
        'data-checksums',
        ...[{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }],
        ...[{ 'locale-provider': 'builtin' }, { 'builtin-locale': 'C.UTF-8' }],
      ],
    },
    postgresql: {
      // The relay of a standby with lag listens on addresses of the others.
      listen: `${own.address},${own.databaseAddress},127.0.0.1:${databasePort}`,
      connect_address: `${own.databaseAddress}:${databasePort}`,
      ...{ data_dir: `${folder}/data`, bin_dir: postgresPrograms, pgpass: `${folder}/pgpass` },
      authentication: {
        superuser: { username: 'postgres', password: passwords.superuser },
        replication: { username: 'replicator', password: passwords.replication },
      },
      parameters: { unix_socket_directories: '' },
      pg_hba: ['127.0.0.1/32', subnet].flatMap((from) => [
        `host all all ${from} scram-sha-256`,
        `host replication replicator ${from} scram-sha-256`,
      ]),
    },
  });
}

/** HAProxy's configuration: connections go to the machine whose Patroni says that it is the primary, and end with that. */
export function haproxyFile(address: string, members: readonly Member[]): string {
  const servers = members.map(
    (member) => `  server ${member.name} ${member.address}:${databasePort} check port ${patroniPort}`,
  );
  return `
global
  maxconn 1000
defaults
  mode tcp
  timeout connect 2s
  timeout check 2s
  timeout client 30m
  timeout server 30m
listen primary
  bind ${address}:${databasePort}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 1s fall 3 rise 2 on-marked-down shutdown-sessions
${servers.join('\n')}
`;
}
