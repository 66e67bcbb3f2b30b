import { Macro, MacroAction } from '@rapport/contracts/rapport/support/v1/macro';
import { Queue } from '@rapport/contracts/rapport/support/v1/queue';
import { newCaller, type SharedCustomers } from './running-customers.js';

/** A tenant of its own with queues and macros. */
export class SupportTenant {
  constructor(
    readonly service: SharedCustomers,
    readonly caller = newCaller(),
  ) {}

  createQueue(key: string, given: Partial<Queue> = {}): Promise<Queue> {
    const queue = { ...Queue.decode(new Uint8Array()), key, name: key, ...given };
    return this.service.call('createQueue', { queue }, this.caller);
  }

  updateQueue(id: string, changes: Partial<Queue>): Promise<Queue> {
    const queue = { ...Queue.decode(new Uint8Array()), ...changes };
    return this.service.call('updateQueue', { id, queue, updateMask: Object.keys(changes) }, this.caller);
  }

  /** @param actions each with one field */
  createMacro(actions = [{ setPriority: { priority: 'HIGH' } }] as object[], given: Partial<Macro> = {}) {
    const macro = {
      ...Macro.decode(new Uint8Array()),
      ...{ name: 'Escalate', actions: actions.map((action) => ({ ...blankAction, ...action })) },
      ...given,
    };
    return this.service.call('createMacro', { macro }, this.caller);
  }
}

const blankAction = MacroAction.decode(new Uint8Array());
