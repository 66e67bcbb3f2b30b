import { describe, expect, it } from 'vitest';
import { readCallMetadata, writeCallMetadata } from './call-metadata.js';
import type { OutgoingCall } from './frames.js';

const principalToken = 'a.b.c';

function sent(context: OutgoingCall): OutgoingCall {
  return readCallMetadata(writeCallMetadata(context));
}

describe('the metadata of a call', () => {
  it.each<OutgoingCall>([
    { requestId: 'r', principalToken: '' },
    { requestId: 'r', principalToken },
    { requestId: 'r', principalToken, cause: { origin: 'sync', causationId: 'c', hop: 3 } },
    { requestId: 'r', principalToken, cause: { origin: 'x'.repeat(100) } },
    { requestId: 'r', principalToken, cause: { causationId: 'c' } },
    { requestId: 'r', principalToken, cause: { hop: 1 } },
    { requestId: 'r', principalToken, client: { address: '2001:db8::1', userAgent: 'curl/8.5' } },
  ])('brings over %j', (context) => {
    expect(sent(context)).toEqual(context);
  });

  it('leaves out an origin of more than 100 characters, and no other cause with it', () => {
    const origin = 'x'.repeat(101);
    expect(sent({ requestId: 'r', principalToken, cause: { origin } })).toEqual({ requestId: 'r', principalToken });
    expect(sent({ requestId: 'r', principalToken, cause: { origin, hop: 2 } }).cause).toEqual({ hop: 2 });
  });

  it.each(['0', '-1', 'many'])('reads %s hops as none', (hop) => {
    const metadata = writeCallMetadata({ requestId: 'r', principalToken });
    metadata.set('x-rapport-hop', hop);
    expect(readCallMetadata(metadata)).toEqual({ requestId: 'r', principalToken });
  });
});
