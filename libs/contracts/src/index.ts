export { absentValue } from './descriptors/absent-value.js';
export { Contract } from './descriptors/load-contract.js';
export { allTenants } from './values/all-tenants.js';
export { areaOf } from './descriptors/area-of.js';
export { exchangeOriginPrefix } from './values/exchange-origin.js';
export { platformContract } from './descriptors/platform-contract.js';
export { contractWithSiteVisits } from './descriptors/contract-with-site-visits.js';
export { camelCase, camelPath, snakeCase } from './values/letter-case.js';
export { formatApiKey, tenantOfApiKey, type ApiKeyMode } from './values/api-key-text.js';
export { maskText, PersonalDataMask } from './rules/personal-data-mask.js';
export { MessageValidator } from './rules/message-validator.js';
export { fromGrpcError, hadNoConnection } from './errors/grpc-status.js';
export { writeCallMetadata } from './calls/call-metadata.js';
export type { OutgoingCall } from './calls/frames.js';
export { AllowedCallers } from './certificates/allowed-callers.js';
export { ServiceCertificates, type CertificatePaths } from './certificates/service-certificates.js';
export { PrincipalSigner } from './principals/principal-signer.js';
export { readPrincipalToken } from './principals/principal-token.js';
export { PrincipalVerifier } from './principals/principal-verifier.js';
export type { RunHandler } from './server/grpc-handlers.js';
export { ImplementsService, servicesOf, type ServiceHandlers } from './server/implements-service.js';
export { runGrpcService, startGrpcService } from './server/run-grpc-service.js';
export type { EncodedAnswer } from './calls/call-stream.js';
export { atEndOfTurn } from './calls/frames.js';
export { ContractClient } from './client/contract-client.js';
export { serviceDefinitions, type ServiceMethods } from './gen/services.js';
export { AnswerForm, type JsonText } from './gen/rapport/api/v1/calls_service.js';
export { WrittenAnswer } from './rest/json-answers.js';
export { JsonCodec } from './rest/json-codec.js';
export { statusOfError } from './errors/error-codes.js';
export { groupName } from './open-api/groups.js';
export { isOfferedToAgents } from './open-api/operation-facts.js';
export { apiVersion, contractErrorCodes, openApiDocument } from './open-api/open-api.js';
export { asOpenApi30 } from './open-api/open-api-3-0.js';
export {
  createProblem,
  escapePointerStep,
  jsonPointer,
  pathSteps,
  type PlacedViolation,
  type Problem,
} from './rest/problem.js';
export { BodySchemas, nestedKeyword } from './rest/body-schemas.js';
export { enumNames } from './rest/enum-names.js';
export { feedTypes, type FeedTypes } from './records/feed-types.js';
export {
  allFields,
  namedFields,
  recordContracts,
  resourceCollections,
  type NamedField,
  type RecordContract,
  type RecordField,
} from './records/record-contract.js';
export { costOf, type MakeSchema, type RestRoute } from './rest/rest-route.js';
export { restRoutes } from './rest/rest-routes.js';
export { pageRoutes, type PageRoute } from './rest/page-routes.js';
export { readMask, type Updatable } from './rules/update-mask.js';
export { lengthSentences } from './rules/length-sentences.js';
export { countryCodes } from './rules/formats.js';
export { patternMismatch } from './rules/pattern-phrases.js';
export { structViolation } from './rules/struct-value.js';
export { allFormats, isStorableText, storableKeyword } from './rules/formats.js';
