/**
 * Operator command that prints the public part of PRINCIPAL_SIGNING_KEY as a JWK set, for PRINCIPAL_KEYS_FILE. During a rotation
 * that file contains the `keys` of both the old and the new key.
 */
import { PrincipalSigner } from '@rapport/contracts';
import { readEnvironment } from '@rapport/platform';
import { principalKeyVariables } from './configuration.js';

const { PRINCIPAL_SIGNING_KEY } = readEnvironment(principalKeyVariables);
const { publicKeys } = await PrincipalSigner.of(PRINCIPAL_SIGNING_KEY);
process.stdout.write(`${JSON.stringify(publicKeys)}\n`);
