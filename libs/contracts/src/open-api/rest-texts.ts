import type { DescEnum, DescEnumValue, DescField, DescMessage, DescMethod, DescService } from '@bufbuild/protobuf';
import type { ErrorCode } from '@rapport/platform';
import type { Contract } from '../descriptors/load-contract.js';
import { statusOfError } from '../errors/error-codes.js';
import type { ErrorCodeMeaning } from '../errors/shared-error-codes.js';
import { statusOfCode } from '../rest/problem.js';
import type { RestRoute } from '../rest/rest-route.js';
import { groupName } from './groups.js';
import { schemaName } from './schema-names.js';

/** What has a comment. */
export type Described = DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnumValue;

/** Names of gRPC statuses that are no words of REST. States of operations are called CANCELLED too, and a problem INTERNAL. */
const grpcNames = Object.keys(statusOfCode).filter((name) => name !== 'CANCELLED' && name !== 'INTERNAL');
const grpcName = new RegExp(`\`?(?<![\\w])(${grpcNames.join('|')})(?![\\w])\`?`, 'g');
const grpcNameWithCode = new RegExp(
  `(?<![\\w\`])(?:${grpcNames.join('|')}) \`?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\`?`,
  'g',
);
/** A stale etag has a status of its own in HTTP. */
const staleEtag = /\bABORTED(?= (?:when|if) (?:`etag`|`If-Match`|an etag|the etag))/g;

/**
 * The comments of a contract in the words of REST: operations by verb and path, fields by their JSON names, errors by status and `code`.
 * The comments themselves serve gRPC too.
 */
export class RestTexts {
  readonly #operations = new Map<string, string>();
  readonly #fields = new Map<string, string>();
  readonly #messages = new Map<string, string>();
  readonly #values = new Map<string, string>();

  /** @param codes every code that a problem can have */
  constructor(
    private readonly contract: Contract,
    private readonly codes: ReadonlyMap<string, ErrorCodeMeaning>,
    routes: readonly RestRoute[],
  ) {
    for (const { method, verb, path, fields } of routes) {
      const operation = `\`${verb} ${path.template}\``;
      this.#operations.set(method.name, operation);
      const shared = method.desc.input.file !== method.service.file;
      if (!shared) this.#operations.set(method.desc.input.name, operation);
      this.#messages.set(method.service.name, groupName(method.service));
      const parameters = [...fields.path, ...fields.query];
      this.#nameFields(parameters, new Set());
      this.#nameFields([...(fields.body?.message?.fields ?? []), ...method.desc.output.fields], new Set());
    }
  }

  /** @param route whose operation the text belongs to */
  of(desc: Described, route?: RestRoute): string {
    return this.translate(this.contract.comment(desc), route);
  }

  translate(comment: string, route?: RestRoute): string {
    return comment
      .replace(staleEtag, '412')
      .replace(grpcNameWithCode, (text, code: string) => (this.codes.has(code) ? this.#error(code) : text))
      .replace(grpcName, (_, name: ErrorCode) => String(statusOfCode[name]))
      .replace(
        /(?<![\w`'"])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w`'"])/g,
        (name) => `\`${this.#values.get(name) ?? name}\``,
      )
      .replace(
        /\b([A-Z][a-z]+(?:[A-Z][a-z]+)+)\.([A-Z])([a-zA-Z]+)\b/g,
        (_, message: string, first: string, rest: string) => `\`${first.toLowerCase()}${rest}\` of ${message}`,
      )
      .replace(/`?\b(?:\w+Service\.)?([A-Z][a-z]+[A-Z][A-Za-z]*)\b`?/g, (text, name: string) =>
        this.#renamed(text, name, route),
      )
      .replace(/`(etag|request_id|requestId)`/g, (text, name: string) => this.#header(text, name, route))
      .replace(/(?<![\w",])[a-z]+(?:_[a-z0-9]+)+(?!\w)/g, (name) => this.#fields.get(name) ?? name)
      .replace(/(?<![`\w<.])(?:\w[\w.]*)?<\w+>[\w.<>]*(?!`)/g, '`$&`');
  }

  #error(code: string): string {
    const meaning = this.codes.get(code);
    return meaning ? `${statusOfError(code, meaning)} \`${code}\`` : code;
  }

  #renamed(text: string, name: string, route?: RestRoute): string {
    // Many operations share this request: the one of the same group is meant.
    const operation = this.#operations.get(name) ?? (route && this.#sharedInput(name, route));
    return operation ?? this.#messages.get(name) ?? text;
  }

  #sharedInput(name: string, { method }: RestRoute): string | undefined {
    const like = method.service.methods.find(({ input }) => input.name === name);
    return like && this.#operations.get(like.name);
  }

  #header(text: string, fieldName: string, route?: RestRoute): string {
    const snake = fieldName === 'requestId' ? 'request_id' : fieldName;
    const header = route?.fields.header.find(({ field }) => field.name === snake);
    return header ? `\`${headerTitle(header.name)}\`` : text;
  }

  /** Learns the JSON names of fields, at any depth, and the names of the schemas of their messages. */
  #nameFields(fields: readonly DescField[], known: Set<DescMessage>): void {
    for (const { name, jsonName, message, enum: choice } of fields) {
      for (const value of choice?.values ?? []) this.#values.set(value.name, value.localName);
      if (name !== jsonName) this.#fields.set(name, jsonName);
      if (!message || known.has(message)) continue;
      known.add(message);
      if (schemaName(message, 'output') !== message.name)
        this.#messages.set(message.name, schemaName(message, 'output'));
      this.#nameFields(message.fields, known);
    }
  }
}

/** A header's name as people write it, such as `If-Match`. */
export function headerTitle(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
