import { sharedPlatform } from '@rapport/testing';
import { inject, it } from 'vitest';
import { expectNothingOfBrokenUpload } from './broken-uploads.ts';
import { ReceivedTraces } from './received-traces.ts';

it('an import whose client hangs up in the middle of its file leaves nothing', async () => {
  const { url, tracesFile } = inject('observed');
  await expectNothingOfBrokenUpload(await sharedPlatform(url), new ReceivedTraces(tracesFile), (socket) => {
    socket.destroy();
  });
});
