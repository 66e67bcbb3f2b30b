import type { CallContext } from '@rapport/platform';
import { describe, expect, it } from 'vitest';
import { readCallMetadata, writeCallMetadata } from './call-metadata.js';

const caller = { tenantId: 't', principalId: 'apiKey:a', permissions: ['customers.read', 'customers.write'] };

function sent(context: CallContext): CallContext {
  return readCallMetadata(writeCallMetadata(context));
}

describe('the metadata of a call', () => {
  it.each<CallContext>([
    { requestId: 'r', caller: undefined },
    { requestId: 'r', caller },
    { requestId: 'r', caller, cause: { origin: 'sync', causationId: 'c', hop: 3 } },
    { requestId: 'r', caller, cause: { origin: 'x'.repeat(100) } },
    { requestId: 'r', caller, cause: { causationId: 'c' } },
    { requestId: 'r', caller, cause: { hop: 1 } },
    { requestId: 'r', caller, client: { address: '2001:db8::1', userAgent: 'curl/8.5' } },
  ])('brings over %j', (context) => {
    expect(sent(context)).toEqual(context);
  });

  it('leaves out an origin of more than 100 characters, and no other cause with it', () => {
    const origin = 'x'.repeat(101);
    expect(sent({ requestId: 'r', caller, cause: { origin } })).toEqual({ requestId: 'r', caller });
    expect(sent({ requestId: 'r', caller, cause: { origin, hop: 2 } }).cause).toEqual({ hop: 2 });
  });

  it.each(['0', '-1', 'many'])('takes %s hops for none', (hop) => {
    const metadata = writeCallMetadata({ requestId: 'r', caller });
    metadata.set('x-rapport-hop', hop);
    expect(readCallMetadata(metadata)).toEqual({ requestId: 'r', caller });
  });
});
