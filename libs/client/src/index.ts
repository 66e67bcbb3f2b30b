export type { CallOptions, HeaderOptions, Options, RapportOptions, Upload } from './call.js';
export type { ChangeEvent, ChangeFeed, CopyEvent, FollowOptions } from './changes.js';
export { Rapport } from './client.js';
export type * from './gen/messages.js';
export type * from './gen/resources.js';
export { Paged } from './paged.js';
export { RapportError, type ClientErrorCode, type ProblemField } from './problem.js';
export type { ObjectRecords } from './records.js';
export type { Bytes, UploadOptions } from './uploads.js';
