import { Controller, type Type } from '@nestjs/common';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService } from '@rapport/contracts';
import { PageTokenKey } from '@rapport/persistence';
import { LoggedTypes } from '../changes/log/logged-types.js';
import { Sequencer } from '../changes/log/sequencer.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { BulkWork } from '../pace/bulk-work.js';
import { ParentHandlers } from './parent-handlers.js';
import { RecordHandlers, type ServiceRules } from './record-handlers.js';

type Handle = (request: unknown) => Promise<object> | AsyncIterable<object>;

/**
 * The controller of a type's standard service: a class with a method for each of the service's, by its name.
 *
 * @throws Error for a service with a non-standard method
 */
export function recordController<Message extends RecordMessage>(
  type: RecordType<Message>,
  service: ServiceDefinition,
  rules: ServiceRules<Message> = {},
): Type {
  @Controller()
  class RecordController {
    readonly handlers: RecordHandlers<Message> | ParentHandlers<Message>;

    constructor(
      em: EntityManager,
      pageTokenKey: PageTokenKey,
      loggedTypes: LoggedTypes,
      sequencer: Sequencer,
      bulk: BulkWork,
    ) {
      const parts = { em, pageTokenKey, loggedTypes, sequencer, bulk };
      const hasParent = type.contract.parent !== undefined;
      this.handlers = hasParent ? new ParentHandlers(type, rules, parts) : new RecordHandlers(type, rules, parts);
    }
  }
  for (const [name, { path }] of Object.entries(service)) {
    const verb = type.verbOf(name);
    if (!(verb in RecordHandlers.prototype)) throw new Error(`${path} is not a standard method of ${type.plural}.`);
    const value = function (this: RecordController, request: unknown): Promise<object> | AsyncIterable<object> {
      const { handlers } = this;
      if (handlers instanceof ParentHandlers) return handlers.call(verb, request);
      return (handlers as unknown as Record<string, Handle>)[verb]!.call(handlers, request);
    };
    Object.defineProperty(RecordController.prototype, name, { value });
  }
  Object.defineProperty(RecordController, 'name', { value: `${type.message.name}Controller` });
  ImplementsService(service)(RecordController);
  return RecordController;
}
