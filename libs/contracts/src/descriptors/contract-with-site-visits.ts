import {
  create,
  fromBinary,
  toBinary,
  type Message,
  type MessageInitShape,
  type UnknownField,
} from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
  MethodOptionsSchema,
  type DescriptorProtoSchema,
  type FieldDescriptorProtoSchema,
  type MethodDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { fileDescriptorSet } from '../gen/descriptors.js';
import { FieldBehavior } from '../gen/google/api/field_behavior.js';
import { HttpRule } from '../gen/google/api/http.js';
import { ResourceDescriptor, ResourceReference } from '../gen/google/api/resource.js';
import { FieldIndex, FieldOrder, FieldRules, Format, Policy, RecordOptions } from '../gen/rapport/api/v1/options.js';
import { camelCase } from '../values/letter-case.js';
import { Contract } from './load-contract.js';

type Field = MessageInitShape<typeof FieldDescriptorProtoSchema>;

/**
 * The platform's contract with one more type of records, `SiteVisit`. With it, tests show that everything derived from the
 * contract supports a new type without code.
 *
 * A visit has personal data (`summary`) and the ids of two customers: `customer_id`, and `host_id`, whose name does not
 * reveal it. The permissions are `siteVisits.read`, `.write`, `.configure`, `.export` and `.send`, and those of an area
 * that is no type of records: `visitPlans.read`, `.write` and `.configure`.
 */
export function contractWithSiteVisits(): Contract {
  const set = fromBinary(FileDescriptorSetSchema, fileDescriptorSet);
  const messageType = [siteVisit(), ...messagesOfPlans()];
  const file = { name: 'rapport/visits/v1/visits_service.proto', package: 'rapport.visits.v1', syntax: 'proto3' };
  const service = [{ name: 'VisitsService', method: methods() }];
  set.file.push(create(FileDescriptorProtoSchema, { ...file, messageType, service }));
  return new Contract(toBinary(FileDescriptorSetSchema, set));
}

function siteVisit(): MessageInitShape<typeof DescriptorProtoSchema> {
  const isUuid = rules({ format: Format.UUID });
  const isCustomer = option(1055, ResourceReference.encode(ResourceReference.create({ type: 'rapport/Customer' })));
  const names = { type: 'rapport/SiteVisit', singular: 'siteVisit', plural: 'siteVisits' };
  return {
    name: 'SiteVisit',
    options: setOptions(
      create(MessageOptionsSchema),
      option(1053, ResourceDescriptor.encode(ResourceDescriptor.create(names))),
      option(50004, RecordOptions.encode(RecordOptions.create({ order: 'place' }))),
    ),
    field: [
      text('id', 1, isUuid, { no: 1052, wireType: WireType.Varint, data: Uint8Array.of(FieldBehavior.OUTPUT_ONLY) }),
      text('summary', 2, rules({ pii: true })),
      text('place', 3, option(50005, FieldIndex.encode(FieldIndex.create({ order: FieldOrder.LIVE })))),
      text('customer_id', 4, isUuid, isCustomer),
      text('host_id', 5, isUuid, isCustomer),
    ],
  };
}

function messagesOfPlans(): MessageInitShape<typeof DescriptorProtoSchema>[] {
  return [
    { name: 'VisitPlan', field: [text('name', 1), text('site_visit_id', 2), text('first_customer_id', 3)] },
    { name: 'ItineraryRequest', field: [text('itinerary_id', 1)] },
    { name: 'GetRequest', field: [text('id', 1)] },
    { name: 'ListRequest', field: [text('filter', 1)] },
    { name: 'SiteVisitRequest', field: [message('site_visit', 'SiteVisit')] },
    { name: 'VisitPlanRequest', field: [message('visit_plan', 'VisitPlan')] },
  ];
}

function methods(): MessageInitShape<typeof MethodDescriptorProtoSchema>[] {
  return [
    method('GetSiteVisit', 'siteVisits.read', 'GetRequest', { get: '/v1/siteVisits/{id}' }),
    method('ListSiteVisits', 'siteVisits.read', 'ListRequest', { get: '/v1/siteVisits' }),
    method('CreateSiteVisit', 'siteVisits.write', 'SiteVisitRequest', { post: '/v1/siteVisits', body: 'site_visit' }),
    method('ExportSiteVisits', 'siteVisits.export', 'ListRequest', { get: '/v1/siteVisits:export' }),
    method('SendSiteVisit', 'siteVisits.send', 'SiteVisit'),
    method('ConfigureSiteVisits', 'siteVisits.configure', 'SiteVisit'),
    method('GetVisitPlan', 'visitPlans.read', 'GetRequest', { get: '/v1/visitPlans/{id}' }),
    method('CreateVisitPlan', 'visitPlans.write', 'VisitPlanRequest', { post: '/v1/visitPlans', body: 'visit_plan' }),
    method('ConfigureVisitPlans', 'visitPlans.configure', 'ItineraryRequest', { post: '/v1/visitPlans:configure' }),
  ];
}

function method(
  name: string,
  permission: string,
  input: string,
  http?: Parameters<typeof HttpRule.create>[0],
): MessageInitShape<typeof MethodDescriptorProtoSchema> {
  const output = name.endsWith('VisitPlan') ? 'VisitPlan' : 'SiteVisit';
  return {
    name,
    inputType: `.rapport.visits.v1.${input}`,
    outputType: `.rapport.visits.v1.${output}`,
    options: setOptions(
      create(MethodOptionsSchema),
      option(50001, Policy.encode(Policy.create({ permission }))),
      ...(http ? [option(72295728, HttpRule.encode(HttpRule.create(http)))] : []),
    ),
  };
}

function text(name: string, number: number, ...options: UnknownField[]): Field {
  const jsonName = camelCase(name);
  const own = setOptions(create(FieldOptionsSchema), ...options);
  return { name, jsonName, number, type: Type.STRING, label: Label.OPTIONAL, options: own };
}

function message(name: string, typeName: string): Field {
  return { ...text(name, 1), type: Type.MESSAGE, typeName: `.rapport.visits.v1.${typeName}` };
}

function rules(values: Parameters<typeof FieldRules.create>[0]): UnknownField {
  return option(50002, FieldRules.encode(FieldRules.create(values)));
}

/** Options unknown to descriptor.proto, in the form of a descriptor parser. */
function setOptions<Options extends Message>(options: Options, ...unknown: UnknownField[]): Options {
  options.$unknown = unknown;
  return options;
}

/** @param number of the extension of descriptor.proto */
function option(number: number, value: { finish(): Uint8Array }): UnknownField {
  return { no: number, wireType: WireType.LengthDelimited, data: new BinaryWriter().bytes(value.finish()).finish() };
}
