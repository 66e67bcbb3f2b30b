/**
 * The test files that start their own platform, and why they can't share the one of their project: they kill, freeze or
 * reconfigure processes, or observe a whole process. `tools/test/test-rules.test.ts` compares the list with the code.
 */
export const ownPlatforms: Readonly<Record<string, string>> = {
  'apps/sync/test/kill-sync.soak.test.ts': 'kills sync and customers, with a schedule of retries that allows for it',
  'apps/sync/test/mail/mail-loops.soak.test.ts': 'runs two platforms that mail each other, and shifts their clocks',
  'apps/sync/test/two-processes.soak.test.ts':
    'runs two processes of sync, restarts them, changes their keys, cuts their connections, breaks a table, and reads how much memory processes take and what is late for all tenants',
  'libs/client/test/edge-kills.soak.test.ts': 'kills edges and customers',
  'tools/test/availability/few-places-platform.ts':
    'has as few places as fit the load, and inspectors, and is shared by the files that need one of them',
  'tools/test/availability/killed-platform.ts':
    'is shared by files that kill its processes, empty its tables, fill what all tenants of a process share, and search its traces',
  'tools/test/availability/replicated-platform.ts':
    'runs replicas, which are restarted, and has connections that live for seconds',
  'tools/test/durable-platform.ts':
    'is shared by files that kill and freeze its processes, destroy its database, and look at its processes from their start',
  'tools/test/limits.test.ts': 'has low limits, and freezes a service and Redis',
  'tools/test/sign-in-load.soak.test.ts': 'believes the addresses that browsers name, in its long form',
};
