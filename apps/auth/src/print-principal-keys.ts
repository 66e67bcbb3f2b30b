/**
 * The operator's command that prints the public half of PRINCIPAL_SIGNING_KEY as a JWK set, for PRINCIPAL_KEYS_FILE. While the
 * key is being changed, that file has the `keys` of the old one and of the new one.
 */
import { PrincipalSigner } from '@rapport/contracts';
import { readEnvironment } from '@rapport/platform';
import { principalKeyVariables } from './configuration.js';

const { PRINCIPAL_SIGNING_KEY } = readEnvironment(principalKeyVariables);
const { publicKeys } = await PrincipalSigner.of(PRINCIPAL_SIGNING_KEY);
process.stdout.write(`${JSON.stringify(publicKeys)}\n`);
