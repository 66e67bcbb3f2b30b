import type { SecretEnvelope } from '../../storage/secret-envelope.js';

const nothing = Buffer.alloc(0);

/** Says which run makes a request, in a form that only the platform makes: others could name runs of change logs. */
export function runProof(envelope: Pick<SecretEnvelope, 'seal'>, tenantId: string, runId: string): string {
  return `${runId}.${envelope.seal(nothing, ownerOf(tenantId, runId)).toString('base64url')}`;
}

/** The run of the tenant that a proof is about; undefined for any other text. */
export function provenRun(envelope: Pick<SecretEnvelope, 'open'>, tenantId: string, proof: string): string | undefined {
  const [runId = '', sealed = ''] = proof.split('.');
  try {
    envelope.open(Buffer.from(sealed, 'base64url'), ownerOf(tenantId, runId));
    return runId;
  } catch {
    // Anyone can send the header, and the key may be retired: the number of hops bounds the loop then.
    return undefined;
  }
}

function ownerOf(tenantId: string, runId: string): string {
  return `flow_hook_cause/${tenantId}/${runId}`;
}
