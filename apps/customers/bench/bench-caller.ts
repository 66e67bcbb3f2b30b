import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PrincipalSigner, type OutgoingCall } from '@rapport/contracts';
import { principalKeys, SecretFiles } from '@rapport/testing';
import { v7 } from 'uuid';

/** Stands for auth and the edge: a customers service that has `env` answers what it asks for. */
export class BenchCaller {
  /** More configuration of the service. */
  readonly env: Record<string, string>;
  readonly #principals: PrincipalSigner;

  private constructor(env: Record<string, string>, principals: PrincipalSigner) {
    this.env = env;
    this.#principals = principals;
  }

  /** @param folder where its keys are to be */
  static async in(folder: string): Promise<BenchCaller> {
    const { signingKeyFile, publicKeysFile } = await principalKeys(await SecretFiles.in(folder));
    const principals = await PrincipalSigner.of(createPrivateKey(await readFile(signingKeyFile)));
    return new BenchCaller({ PRINCIPAL_KEYS_FILE: publicKeysFile }, principals);
  }

  outgoing(tenantId: string): OutgoingCall {
    const permissions = ['customers.read', 'customers.write'];
    return { requestId: v7(), principalToken: this.#principals.sign({ tenantId, principalId: 'bench', permissions }) };
  }
}
