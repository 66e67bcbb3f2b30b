// Processor time of a call to a handler that answers at once, with client and service in one process: by plain gRPC and by
// a call stream, in alternating rounds. `node tools/bench/call-cost.ts [concurrent calls, 16] [calls of a round, 20000]`
import { Controller, Module } from '@nestjs/common';
import {
  type Contract,
  ContractClient,
  ImplementsService,
  platformContract,
  PrincipalSigner,
  PrincipalVerifier,
  startGrpcService,
} from '@rapport/contracts';
import { TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import { AuthServiceService } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { createLogger } from '@rapport/platform';
import { freePort, median } from '@rapport/testing';

const [callers = 16, calls = 20_000] = process.argv.slice(2).map(Number);
const rounds = 5;
const tenants = 20;
const { getTenant } = AuthServiceService;

class TenantController {
  async getTenant() {
    return { id: '', displayName: 'Acme', plan: 'standard', createTime: undefined };
  }
}
Controller()(TenantController);
ImplementsService({ getTenant })(TenantController);
class BenchModule {}
Module({ controllers: [TenantController] })(BenchModule);

/** The platform's contract with all methods as bulk, whose calls are plain gRPC. */
const plainContract = Object.create(platformContract(), {
  method: {
    value: (path: string) => {
      const method = platformContract().method(path);
      return method && { ...method, policy: { ...method.policy, trafficClass: TrafficClass.BULK } };
    },
  },
}) as Contract;

const signer = await PrincipalSigner.of();
const tokens = Array.from({ length: tenants }, (_, tenant) =>
  signer.sign({ tenantId: `t${tenant}`, principalId: 'apiKey:a', permissions: ['tenant.read'] }),
);
const address = `127.0.0.1:${await freePort()}`;
const service = await startGrpcService({
  module: BenchModule,
  services: [{ getTenant }],
  address,
  principals: new PrincipalVerifier(signer.publicKeys),
  logger: createLogger('bench', 'silent'),
});
const clients = {
  plain: new ContractClient(address, [{ getTenant }], undefined, plainContract),
  stream: new ContractClient(address, [{ getTenant }]),
};

/** @returns microseconds of processor time for each call */
async function measure(client: ContractClient): Promise<number> {
  let made = 0;
  const before = process.cpuUsage();
  const callInTurn = async () => {
    while (made < calls) {
      made += 1;
      const context = { requestId: 'r', principalToken: tokens[made % tenants] };
      await client.unary(getTenant.path, {}, { context, deadlineMs: 10_000 });
    }
  };
  await Promise.all(Array.from({ length: callers }, callInTurn));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / made;
}

const micros: Record<keyof typeof clients, number[]> = { plain: [], stream: [] };
for (let round = 0; round <= rounds; round += 1) {
  for (const name of ['plain', 'stream'] as const) {
    const taken = await measure(clients[name]);
    // The first round is a warm-up.
    if (round > 0) micros[name].push(taken);
  }
}
for (const [name, taken] of Object.entries(micros)) {
  const [least, most] = [Math.min(...taken), Math.max(...taken)].map((each) => each.toFixed(1));
  console.log(`${name}: ${median(taken).toFixed(1)} µs a call (${least} to ${most}), ${callers} at a time`);
}
for (const client of Object.values(clients)) client.close();
await service.close();
