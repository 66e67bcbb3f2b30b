import {
  AssociationsServiceService,
  type Association,
} from '@rapport/contracts/rapport/customers/v1/associations_service';
import { MessageActionsServiceService } from '@rapport/contracts/rapport/content/v1/message_actions_service';
import { DealMovesServiceService } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { TicketActionsServiceService } from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import { AssignmentActionsServiceService } from '@rapport/contracts/rapport/work/v1/assignment_actions_service';
import { BusinessTimeServiceService } from '@rapport/contracts/rapport/work/v1/business_time_service';
import { EffectError, type EffectCall, type EffectOutcome, type Json, type JsonObject } from './effect-port.js';
import type { RecordCalls } from './record-calls.js';
import { isCode, isReason } from './record-calls.js';
import { emptied, recordOf, removal, requestIdOf, restoration, textIn, versionOf } from './record-values.js';
import { jsonMethod, stepType, type StepType } from './record-methods.js';

/** Attempts of a change while others change the same record. */
const maxAttempts = 5;

const assignRecord = jsonMethod(AssignmentActionsServiceService.assignRecord.path);
const createAssociation = jsonMethod(AssociationsServiceService.createAssociation.path);
const getAssociation = jsonMethod(AssociationsServiceService.getAssociation.path);
const moveDeal = jsonMethod(DealMovesServiceService.moveDeal.path);
const replyToTicket = jsonMethod(TicketActionsServiceService.replyToTicket.path);
const sendMessage = jsonMethod(MessageActionsServiceService.sendMessage.path);
const findDueTime = jsonMethod(BusinessTimeServiceService.findDueTime.path);

/** How a record is changed: by its method, with what the etag and the key add to the request. */
interface Change {
  type: StepType;
  id: string;
  /** Names of the fields that it may change. */
  fields: readonly string[];
  write: (added: JsonObject) => Promise<JsonObject>;
}

/** A step of a run that reads or writes records of customers. `isTrial` runs its writes, and rolls them back. */
export class RecordStep {
  readonly #input: JsonObject;

  constructor(
    private readonly calls: RecordCalls,
    private readonly call: EffectCall,
    private readonly signal: AbortSignal,
    private readonly isTrial = false,
  ) {
    this.#input = call.input;
  }

  /** @throws AppError, EffectError */
  async perform(): Promise<EffectOutcome> {
    const { step } = this.call;
    if (step.find) return this.#find();
    if (step.create) return this.#create(this.#type(), this.#fields());
    if (step.update) return this.#update(this.#fields());
    if (step.delete) return this.#delete();
    if (step.upsert) return this.#upsert();
    if (step.link) return this.#link();
    if (step.assign) return step.assign.byRules ? this.#assign() : this.#update({ ownerId: this.#text('userId') });
    if (step.moveStage) return this.#moveStage();
    if (step.addTask) return this.#create(stepType('task'), await this.#taskFields());
    if (step.addNote) return this.#create(stepType('note'), { body: this.#input['text'] ?? null, ...this.#related() });
    if (step.reply) return this.#reply();
    if (step.send) return this.#send();
    throw new EffectError('STEP_UNSUPPORTED', `The step ${step.key} is no step about records.`, 'FINAL');
  }

  /** @returns undefined for a record that does not exist */
  async present(type: StepType, id: string): Promise<JsonObject | undefined> {
    try {
      return await this.#ask(type.method('get'), { id, ...type.parent });
    } catch (error) {
      if (isCode(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async #find(): Promise<EffectOutcome> {
    const { filter = null, orderBy, limit = null } = this.#input;
    const type = this.#type();
    const request = { filter, pageSize: limit, ...(orderBy !== undefined && { orderBy }), ...type.parent };
    const answer = await this.#ask(type.method('list'), request);
    const records = (answer[type.contract.plural] ?? []) as readonly Json[];
    return { output: { records, count: records.length } };
  }

  async #create(type: StepType, fields: JsonObject): Promise<EffectOutcome> {
    const request = { [type.contract.singular]: recordOf(fields), ...type.parent, ...this.#key() };
    const output = await this.#ask(type.method('create'), request);
    return { output, undo: removal(type, output) };
  }

  #update(fields: JsonObject): Promise<EffectOutcome> {
    const type = this.#type();
    const id = this.#text('id');
    const request = { [type.contract.singular]: recordOf(fields), id, ...type.parent };
    const write = (added: JsonObject) => this.#ask(type.method('update'), { ...request, ...added });
    return this.#change({ type, id, fields: Object.keys(fields), write });
  }

  async #assign(): Promise<EffectOutcome> {
    const [type, id] = [this.#type(), this.#text('id')];
    const target = { recordType: type.name, recordId: id };
    let output: JsonObject = {};
    const write = async (added: JsonObject): Promise<JsonObject> => {
      output = await this.#ask(assignRecord, { target, ...added });
      return { id, etag: output['recordEtag'] ?? null, ownerId: output['ownerId'] ?? null };
    };
    const { undo } = await this.#change({ type, id, fields: ['ownerId'], write });
    // A record that keeps its owner has no change of this step.
    const isGiven = textIn((output['assignment'] ?? {}) as JsonObject, 'userId') !== '';
    return { output, undo: isGiven && undo ? undo : { kind: 'NONE' } };
  }

  #moveStage(): Promise<EffectOutcome> {
    const { stage = null, reason } = this.#input;
    const fields = this.#fields();
    const id = this.#text('dealId');
    const set = recordOf(fields);
    const names = Object.keys(set);
    const others: JsonObject = names.length === 0 ? {} : { set, updateMask: names.join(',') };
    const move = { stage, ...(reason !== undefined && { reason }), ...others };
    const write = (added: JsonObject) => this.#ask(moveDeal, { id, move, ...added });
    return this.#change({ type: stepType('deal'), id, fields: ['stage', ...Object.keys(fields)], write });
  }

  /** Writes with the version that was read, so that the values before are known. */
  async #change(change: Change): Promise<EffectOutcome> {
    const { type, id, write } = change;
    for (let attempt = 1; ; attempt += 1) {
      const before = await this.present(type, id);
      // The write answers an earlier attempt, or names what is missing.
      const etag = before && { etag: before['etag'] ?? null };
      try {
        const output = await write({ ...etag, ...this.#key() });
        return { output, undo: before ? await this.#restoration(change, before, output) : { kind: 'NONE' } };
      } catch (error) {
        if (isReason(error, 'IDEMPOTENCY_ANSWER_ERASED')) return { output: {}, undo: { kind: 'NONE' } };
        if (!isReason(error, 'ETAG_MISMATCH') || attempt === maxAttempts) throw error;
        this.signal.throwIfAborted();
      }
    }
  }

  async #restoration({ type, fields }: Change, before: JsonObject, after: JsonObject): Promise<JsonObject> {
    if (this.isTrial || versionOf(after) > versionOf(before)) return restoration(type, before, after, fields);
    // An earlier attempt has written, or the record had the values already.
    return this.#pastChange(type, after, fields);
  }

  /** The log entry of a change by an earlier attempt. The log may no longer have it. */
  async #pastChange(type: StepType, after: JsonObject, fields: readonly string[]): Promise<JsonObject> {
    const own = await this.#changeTo(type, after);
    // Only an earlier attempt has written as this principal what the log does not know.
    if (!own) return { kind: after['updatedBy'] === this.call.principalId ? 'LOST' : 'NONE' };
    if (own['causationId'] !== this.call.runId || !('before' in own)) return { kind: 'NONE' };
    const before = {
      ...after,
      ...emptied(own['changedFields'] as readonly string[]),
      ...(own['before'] as JsonObject),
    };
    return restoration(type, before, after, fields);
  }

  /** The change that has led to the version of a record; undefined if the log does not have it any more. */
  async #changeTo(type: StepType, { id = null, etag = null }: JsonObject): Promise<JsonObject | undefined> {
    const version = versionOf({ etag });
    let pageToken: Json | undefined;
    do {
      // Customers answers once the log has all that was written before.
      const request = { id, pageSize: 100, ...(pageToken !== undefined && { pageToken }), ...type.parent };
      const page = await this.#ask(type.method('history'), request);
      const changes = page['changes'] as readonly JsonObject[];
      const found = changes.find((each) => each['version'] === version);
      if (found || changes.some((each) => Number(each['version']) < version)) return found;
      this.signal.throwIfAborted();
      pageToken = page['nextPageToken'];
    } while (pageToken);
    return undefined;
  }

  async #delete(): Promise<EffectOutcome> {
    const type = this.#type();
    const id = this.#text('id');
    try {
      const output = await this.#ask(type.method('delete'), { id, ...type.parent, ...this.#key() });
      return { output, undo: { kind: 'UNDELETE', type: type.name, id } };
    } catch (error) {
      if (isCode(error, 'NOT_FOUND')) return { output: { id } };
      throw error;
    }
  }

  async #upsert(): Promise<EffectOutcome> {
    const type = this.#type();
    const { system = null, value = null } = this.#input;
    const fields = this.#fields();
    const record = { ...recordOf(fields), externalIds: [{ system, value }] };
    const method = type.method('upsert');
    // Customers can be matched by other values too.
    const match = method.desc.input.fields.some(({ name }) => name === 'match') && { match: 'EXTERNAL_ID' };
    const request = { [type.contract.singular]: record, matchSystem: system, ...match, ...type.parent, ...this.#key() };
    const answer = await this.#ask(method, request);
    const output = answer[type.contract.singular] as JsonObject;
    if (answer['created'] === true) return { output, undo: removal(type, output) };
    const undo = this.isTrial ? { kind: 'NONE' } : await this.#pastChange(type, output, Object.keys(fields));
    return { output, undo };
  }

  async #link(): Promise<EffectOutcome> {
    const [from, to] = [this.#end('from'), this.#end('to')];
    const association = { type: this.#input['associationType'] ?? null, from, to };
    try {
      const output = await this.#ask(createAssociation, { association, ...this.#key() });
      return { output, undo: { kind: 'UNLINK', id: output['id'] ?? null, etag: output['etag'] ?? null } };
    } catch (error) {
      if (!isReason(error, 'ASSOCIATION_EXISTS')) throw error;
      return { output: await this.#ask(getAssociation, { id: error.metadata['associationId'] ?? null }) };
    }
  }

  /** What was sent is not undone. */
  async #reply(): Promise<EffectOutcome> {
    const { ticketId = null, ...reply } = this.#input;
    const request = { id: ticketId, reply: { ...reply, automatic: true }, ...this.#key() };
    return { output: await this.#ask(replyToTicket, request) };
  }

  async #send(): Promise<EffectOutcome> {
    const { record, unlessAnsweredSince } = this.call;
    const isAboutCustomer =
      record?.type === 'customer' && (unlessAnsweredSince ?? this.#input['topicKey']) !== undefined;
    const outgoing = {
      ...this.#input,
      ...(isAboutCustomer && { customerId: record.id }),
      ...(unlessAnsweredSince !== undefined && { unlessAnsweredSince }),
    };
    return { output: await this.#ask(sendMessage, { outgoing, ...this.#key() }) };
  }

  /** Resource name of one end of a link. */
  #end(end: keyof Pick<Association, 'from' | 'to'>): string {
    return `${stepType(this.#text(`${end}Type`)).contract.plural}/${this.#text(`${end}Id`)}`;
  }

  async #taskFields(): Promise<JsonObject> {
    const { subject = null, ownerId, isUnrelated } = this.#input;
    const dueTime = await this.#dueTime();
    return {
      subject,
      ...(dueTime !== undefined && { dueTime }),
      ...(ownerId !== undefined && { ownerId }),
      ...(isUnrelated !== true && this.#related()),
      ...this.#fields(),
    };
  }

  async #dueTime(): Promise<Json | undefined> {
    const { dueTime, calendarId, fromTime = null, dueInSeconds = null } = this.#input;
    if (calendarId === undefined) return dueTime;
    const wait = { fromTime, durationSeconds: dueInSeconds };
    return (await this.#ask(findDueTime, { id: calendarId, wait }))['dueTime'];
  }

  #related(): JsonObject {
    const { record } = this.call;
    // A related record names its type without the key of its custom object.
    return record ? { related: [{ type: record.type.split('/')[0] ?? '', id: record.id }] } : {};
  }

  #type(): StepType {
    return stepType(this.#text('type'));
  }

  #text(name: string): string {
    return textIn(this.#input, name);
  }

  #fields(): JsonObject {
    return (this.#input['fields'] ?? {}) as JsonObject;
  }

  #key(): JsonObject {
    return this.isTrial ? { validateOnly: true } : { requestId: requestIdOf(this.call.effectKey) };
  }

  #ask(method: Parameters<RecordCalls['ask']>[0], request: JsonObject): Promise<JsonObject> {
    return this.calls.ask(method, request, this.call, this.signal);
  }
}
