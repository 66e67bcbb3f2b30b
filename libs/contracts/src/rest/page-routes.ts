import type { DescField } from '@bufbuild/protobuf';
import type { Contract, ContractMethod } from '../descriptors/load-contract.js';
import { isHttpBody } from '../descriptors/well-known.js';
import { TrafficClass } from '../gen/rapport/api/v1/options.js';
import { parsePathTemplate, type PathTemplate } from './path-template.js';
import { verbAndPath } from './rest-routes.js';

/** A public page at the address of a link: see `PublicPage` of options.proto. */
export interface PageRoute {
  method: ContractMethod;
  verb: 'GET' | 'POST';
  path: PathTemplate;
  /** JSON name of the path parameter with the token. */
  token: string;
  /** JSON name of the field that takes the header Accept-Language. */
  language: string | undefined;
  /** JSON name of the field that says whether a program reads the page. */
  fromProgram: string | undefined;
  /** The field that takes the form of a POST: its JSON name, and the most bytes. */
  form: { name: string; maxBytes: number } | undefined;
  /** Whether its form can also be `multipart/form-data`. */
  isOneClick: boolean;
  /** Of a page with many readers: the JSON names of its other fields, and for how long its answer may be kept. */
  site: { inPath: readonly string[]; inQuery: readonly string[]; sharedSeconds: number } | undefined;
}

/** The route of every method that answers with a public page. */
export function pageRoutes(contract: Contract): PageRoute[] {
  return contract.methods.filter(({ policy }) => policy.page).map((method) => pageRoute(contract, method));
}

/** The fields of a page's request by their use. */
interface PageFields {
  token: DescField | undefined;
  language: DescField | undefined;
  fromProgram: DescField | undefined;
  form: DescField | undefined;
  /** Most bytes of the form. */
  maxBytes: number | undefined;
  /** Other fields in its path. */
  inPath: readonly DescField[];
  /** Other fields. */
  inQuery: readonly DescField[];
}

/** @throws Error for a method that could not be served safely */
function pageRoute(contract: Contract, method: ContractMethod): PageRoute {
  const { verb, template } = verbAndPath(method);
  const path = parsePathTemplate(template);
  const fields = fieldsOf(contract, method, path);
  const { token, language, fromProgram, form, maxBytes } = fields;
  const broken = [...rulesOfMethod(method, verb), ...rulesOfRequest(method, path, fields)].find(([isKept]) => !isKept);
  if (broken || !token) throw new Error(`${method.path}: a public page ${broken?.[1] ?? 'has a token'}.`);
  return {
    method,
    verb: verb === 'GET' ? verb : 'POST',
    path,
    token: token.jsonName,
    language: language?.jsonName,
    fromProgram: fromProgram?.jsonName,
    form: form && maxBytes !== undefined ? { name: form.jsonName, maxBytes } : undefined,
    isOneClick: method.policy.page?.oneClick === true,
    site: siteOf(method, fields),
  };
}

function fieldsOf(
  contract: Contract,
  { desc, policy, http }: ContractMethod,
  { fields: inTemplate }: PathTemplate,
): PageFields {
  const named = (name: string | undefined) => desc.input.fields.find((field) => field.name === name);
  const form = http?.body ? named(http.body) : undefined;
  const maxBytes = form && isHttpBody(form.message) ? contract.rules(form).maxBytes : undefined;
  const [token, language] = [named(policy.page?.token), named('accept_language')];
  const fromProgram = named('from_program');
  const others = desc.input.fields.filter((field) => ![token, language, fromProgram, form].includes(field));
  const [inPath, inQuery] = [true, false].map((isIn) =>
    others.filter(({ name }) => inTemplate.includes(name) === isIn),
  );
  return { token, language, fromProgram, form, maxBytes, inPath: inPath ?? [], inQuery: inQuery ?? [] };
}

function siteOf({ policy }: ContractMethod, { inPath, inQuery }: PageFields): PageRoute['site'] {
  const { sharedSeconds = 0 } = policy.page ?? {};
  if (sharedSeconds === 0 && policy.page?.manyReaders !== true) return undefined;
  const names = (fields: readonly DescField[]) => fields.map(({ jsonName }) => jsonName);
  return { inPath: names(inPath), inQuery: names(inQuery), sharedSeconds };
}

type Rule = readonly [isKept: boolean, rule: string];

function rulesOfMethod(method: ContractMethod, verb: string): Rule[] {
  const { desc, policy } = method;
  const isStream = method.requestStream || method.responseStream;
  const changes = policy.invalidates.length > 0 || !policy.idempotent;
  return [
    [policy.public && policy.trafficClass === TrafficClass.PUBLIC, 'is public and of the class PUBLIC'],
    [!isStream && isHttpBody(desc.output), 'answers one HttpBody'],
    [verb === 'GET' || verb === 'POST', 'is a GET or a POST'],
    [verb !== 'GET' || !changes, 'changes nothing by a GET'],
    [!policy.cache, 'is not cached'],
    [!policy.invalidates.some((tag) => tag.includes('{')), 'invalidates all records of a type'],
  ];
}

function rulesOfRequest({ policy, http }: ContractMethod, path: PathTemplate, fields: PageFields): Rule[] {
  const { token, fromProgram, form, maxBytes, inPath, inQuery } = fields;
  const isSite = (policy.page?.sharedSeconds ?? 0) > 0;
  return [
    [
      token !== undefined && (isSite ? path.fields.includes(token.name) : path.fields.join() === token.name),
      'has its token, and nothing else, in its path',
    ],
    [http?.post ? maxBytes !== undefined : !form, 'has a form with max_bytes if it is a POST'],
    [!fromProgram || !http?.post, 'asks whether a program reads it only if it is a GET'],
    [isSite || inPath.length === 0, 'has its token, and nothing else, in its path'],
    [inQuery.every(({ name }) => isSite && !http?.post && name === 'q'), 'has no other parameters'],
  ];
}
