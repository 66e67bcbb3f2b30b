import { describeConformance } from './conformance.js';
import { createRestPeer } from './rest-peer.js';

describeConformance('a service that counts pages, wraps records, and has ETags', () =>
  createRestPeer({ paging: 'PAGE', wrap: 'data' }),
);
describeConformance('a service that counts records, takes PUT, and has ETags', () =>
  createRestPeer({ paging: 'OFFSET', method: 'put' }),
);
describeConformance(
  'a service with cursors and without ETags',
  () => createRestPeer({ paging: 'CURSOR', hasEtags: false }),
  ['preconditions'],
);
describeConformance('a service with links, which answers writes with nothing', () =>
  createRestPeer({ paging: 'LINK', isSilent: true }),
);
describeConformance(
  'a service that does not say what changed',
  () =>
    createRestPeer({ paging: 'OFFSET' }, { updatedField: undefined, changedSince: undefined, listQuery: undefined }),
  ['incremental'],
);
