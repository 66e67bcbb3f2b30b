import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { ip, Namespace } from './namespace.ts';

// Waits for the end of its input, which the kernel closes even after kill -9 of the parent.
const remover = `
  read -r _
  for namespace in $(ip netns list | cut -d' ' -f1 | grep "^$1-"); do
    while pids=$(ip netns pids "$namespace") && [ -n "$pids" ]; do kill -9 $pids 2>/dev/null; sleep 0.1; done
    ip netns del "$namespace"
    # The namespace itself may outlive its name, until connections of killed processes time out.
    ip link del "$namespace"
  done
  ip link del "$1-br"
  rm -rf -- "$2"
`;

/**
 * Network namespaces behind a bridge, which this machine reaches at one of its own addresses. They have no route to
 * anywhere else. At any end of this process their processes are killed, and they are removed.
 */
export class Network {
  /** Of the names of all namespaces and links. */
  readonly #prefix: string;
  /** The first three numbers of all addresses. */
  readonly #subnet: string;
  readonly #remover: ChildProcessByStdio<Writable, null, null>;

  private constructor(prefix: string, subnet: string, folder: string) {
    this.#prefix = prefix;
    this.#subnet = subnet;
    this.#remover = spawn('sh', ['-c', remover, 'rapport-failover-remover', prefix, folder], {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }

  /** @param folder is removed with the network */
  static async make(folder: string): Promise<Network> {
    const taken = await ip('-4 route show table all');
    const subnets = Array.from({ length: 254 }, (_, index) => `10.213.${index + 1}`);
    const subnet = subnets.find((each) => !taken.includes(`${each}.`));
    if (subnet === undefined) throw new Error('No private subnet is free.');
    const network = new Network(`rf${process.pid}`, subnet, folder);
    await ip(`link add ${network.#prefix}-br type bridge`);
    await ip(`addr add ${subnet}.1/24 dev ${network.#prefix}-br`);
    await ip(`link set ${network.#prefix}-br up`);
    return network;
  }

  /** @param hosts the last numbers of its addresses */
  async namespace(name: string, hosts: readonly number[]): Promise<Namespace> {
    // Of the namespace, and of the outer end of its link.
    const fullName = `${this.#prefix}-${name}`;
    const addresses = hosts.map((host) => `${this.#subnet}.${host}`);
    await ip(`netns add ${fullName}`);
    await ip(`link add ${fullName} type veth peer name eth0 netns ${fullName}`);
    await ip(`link set ${fullName} master ${this.#prefix}-br up`);
    const made = new Namespace(fullName, addresses);
    for (const address of addresses) await made.ip(`addr add ${address}/24 dev eth0`);
    for (const link of ['lo', 'eth0']) await made.ip(`link set ${link} up`);
    return made;
  }

  /** Kills all processes, and removes everything. */
  async remove(): Promise<void> {
    const exited = once(this.#remover, 'exit');
    this.#remover.stdin.end();
    await exited;
  }
}
