import { it } from 'vitest';
import { killedPlatform } from './availability/killed-platform.ts';
import { expectNothingOfBrokenUpload } from './broken-uploads.ts';

it('an import whose client hangs up in the middle of its file leaves nothing', async () => {
  const { platform, traces } = await killedPlatform();
  await expectNothingOfBrokenUpload(platform, traces, (socket) => {
    socket.destroy();
  });
}, 300_000);
