import { expect, test } from 'vitest';
import { composeFaults, dockerfileFaults } from '../image-faults.ts';

const good =
  'ARG NODE_IMAGE=node:24.21.0-slim\nFROM ${NODE_IMAGE} AS build\nFROM build\nUSER 65532:65532\nENTRYPOINT ["node"]';

test('accepts a pinned image that runs as a user', () => {
  expect(dockerfileFaults(good)).toEqual([]);
});

test.each([
  [good.replace('24.21.0-slim', '24'), 'node:24 is not fixed by a digest or a version'],
  [good.replace('node:24.21.0-slim', 'node'), 'node is not fixed by a digest or a version'],
  [good.replace('USER 65532:65532', ''), 'the image runs as root, not as a user by number'],
  [good.replace('65532:65532', '0:0'), 'the image runs as 0:0, not as a user by number'],
  [good.replace('65532:65532', 'node'), 'the image runs as node, not as a user by number'],
  [good.replace('["node"]', 'node'), 'the image has no ENTRYPOINT that gets its signals'],
  [`${good}\nENV OIDC_KEY=a`, 'ENV OIDC_KEY would be kept in the image'],
  [`ARG NPM_TOKEN\n${good}`, 'ARG NPM_TOKEN would be kept in the image'],
  [`${good}\nADD file.tar /`, 'ADD may fetch from anywhere'],
])('finds what is wrong in %j', (dockerfile, fault) => {
  expect(dockerfileFaults(dockerfile)).toEqual([fault]);
});

test.each([
  ['{ image: "valkey/valkey:latest", healthcheck: { test: [CMD] } }', 'a: valkey/valkey:latest is not fixed'],
  ['{ image: "valkey/valkey:9.0.8" }', 'a: has no healthcheck'],
  ['{ build: ., restart: "no", environment: { OIDC_KEY: x } }', 'a: OIDC_KEY is a secret and must come from a file'],
  ['{ build: ., restart: "no", ports: ["80:80"] }', 'a: port 80:80 is open to everybody'],
])('finds what is wrong in the service %s', (service, fault) => {
  expect(composeFaults(`services: { a: ${service} }`)).toEqual([fault]);
});
