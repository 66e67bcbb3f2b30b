import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PrincipalSigner, ServiceCertificates, type OutgoingCall } from '@rapport/contracts';
import { certificateVariables, PlatformCertificates, principalKeys, SecretFiles } from '@rapport/testing';
import { createLogger } from '@rapport/platform';
import { v7 } from 'uuid';

/** Takes the place of auth and the edge: a customers service with `env` accepts its calls. */
export class BenchCaller {
  /** Further configuration of the service. */
  readonly env: Record<string, string>;
  /** For a client of the service. */
  readonly tls: { certificates: ServiceCertificates; serviceName: string };
  readonly #principals: PrincipalSigner;

  private constructor(env: Record<string, string>, certificates: ServiceCertificates, principals: PrincipalSigner) {
    this.env = env;
    this.tls = { certificates, serviceName: 'customers' };
    this.#principals = principals;
  }

  /** @param folder for its keys */
  static async in(folder: string): Promise<BenchCaller> {
    const secrets = await SecretFiles.in(folder);
    const { signingKeyFile, publicKeysFile } = await principalKeys(secrets);
    const authority = await PlatformCertificates.in(secrets);
    const env = {
      PRINCIPAL_KEYS_FILE: publicKeysFile,
      ...certificateVariables(await authority.of('customers')),
      // Only owners are asked about there, and no bench names one.
      AUTH_ADDRESS: 'localhost:1',
    };
    const certificates = new ServiceCertificates(await authority.of('edge'), createLogger('bench', 'warn'));
    const principals = await PrincipalSigner.of(createPrivateKey(await readFile(signingKeyFile)));
    return new BenchCaller(env, certificates, principals);
  }

  outgoing(tenantId: string): OutgoingCall {
    const permissions = ['customers.read', 'customers.write'];
    return { requestId: v7(), principalToken: this.#principals.sign({ tenantId, principalId: 'bench', permissions }) };
  }
}
