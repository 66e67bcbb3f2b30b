export { makePlatformTemplate as default } from '@rapport/testing';
