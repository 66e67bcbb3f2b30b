import { IdempotencyKey } from '@rapport/persistence';
import { Association } from './domain/associations/association.entity.js';
import { RecordAssociation } from './domain/associations/record-association.entity.js';
import { Consent } from './domain/consents/consent.entity.js';
import { CustomField } from './engine/fields/custom-field.entity.js';
import { Customer, CustomerKey, CustomerOrderValue } from './engine/records/customers/customer.entity.js';
import { AssignmentTurn } from './engine/assignment/assignment-turn.entity.js';
import { File, FileContent, FilePiece, FileUpload, FileUsage } from './engine/files/file.entity.js';
import { Merge } from './engine/merge/merge.entity.js';
import {
  ImportChange,
  ImportDraft,
  ImportDraftKey,
  ImportMapping,
  ImportMet,
  ImportPiece,
} from './engine/import/operation/import.entity.js';
import { PublicLink } from './domain/links/public-link.entity.js';
import { QuoteNumber } from './domain/quotes/quote-number.entity.js';
import { RecordNumber } from './engine/records/numbers/record-number.entity.js';
import { Operation, OperationIssue, OperationJob } from './engine/operations/operation.entity.js';
import { Erasure } from './domain/privacy/erasure.entity.js';
import { KeyDestruction } from './engine/sealing/key-destruction.entity.js';
import { TenantEncryption } from './engine/sealing/tenant-encryption.entity.js';
import { WorkspaceSettings } from './domain/settings/settings.entity.js';
import { SavedView } from './domain/views/view.entity.js';
import { SuppressionSpace, WorkspacePiece } from './domain/workspace/workspace.entity.js';
import { Suppression } from './domain/suppressions/suppression.entity.js';

/** Every entity of the customers database. */
export const entities = [
  IdempotencyKey,
  Customer,
  CustomerKey,
  CustomerOrderValue,
  CustomField,
  Association,
  RecordAssociation,
  Merge,
  Operation,
  OperationIssue,
  OperationJob,
  ImportPiece,
  ImportMet,
  ImportChange,
  ImportDraft,
  ImportDraftKey,
  ImportMapping,
  Consent,
  Suppression,
  Erasure,
  TenantEncryption,
  KeyDestruction,
  WorkspaceSettings,
  FileContent,
  FilePiece,
  File,
  FileUpload,
  FileUsage,
  WorkspacePiece,
  SuppressionSpace,
  SavedView,
  AssignmentTurn,
  PublicLink,
  QuoteNumber,
  RecordNumber,
];
