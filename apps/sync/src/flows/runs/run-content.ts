import type { SecretEnvelope } from '../../storage/secret-envelope.js';

/** Parts of a run that are sealed, since they contain personal data. */
type RunPart = 'flow_run' | 'flow_step_run' | 'flow_event' | 'flow_signal';

/** @param id of the run, or of the signal: a value opens for the same one only */
export function sealContent(
  envelope: SecretEnvelope,
  { tenantId, part, id }: { tenantId: string; part: RunPart; id: string },
  content: object,
): Buffer {
  return envelope.seal(Buffer.from(JSON.stringify(content)), `${part}/${tenantId}/${id}`);
}

/** @throws Error for another run */
export function openContent<Content>(
  envelope: SecretEnvelope,
  { tenantId, part, id }: { tenantId: string; part: RunPart; id: string },
  sealed: Buffer,
): Content {
  return JSON.parse(envelope.open(sealed, `${part}/${tenantId}/${id}`).toString()) as Content;
}
