import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { Call } from '@rapport/contracts/rapport/work/v1/call';
import { Email } from '@rapport/contracts/rapport/work/v1/email';
import { Meeting } from '@rapport/contracts/rapport/work/v1/meeting';
import { Note } from '@rapport/contracts/rapport/work/v1/note';
import { Task } from '@rapport/contracts/rapport/work/v1/task';
import type { TaskCompletion } from '@rapport/contracts/rapport/work/v1/task_actions_service';
import { newCaller, person, type SharedCustomers } from './running-customers.js';

const nothing = new Uint8Array();

/** A tenant of its own with tasks, notes, calls, meetings and e-mails. */
export class WorkTenant {
  constructor(
    readonly service: SharedCustomers,
    readonly caller = newCaller(),
  ) {}

  createPerson(given: Partial<Customer> = {}): Promise<Customer> {
    return this.service.create(this.caller, person(given));
  }

  createTask(given: Partial<Task> = {}, as = this.caller): Promise<Task> {
    return this.service.call('createTask', { task: { ...Task.decode(nothing), subject: 'A task', ...given } }, as);
  }

  updateTask(id: string, changes: Partial<Task>): Promise<Task> {
    const request = { id, task: { ...Task.decode(nothing), ...changes }, updateMask: Object.keys(changes) };
    return this.service.call('updateTask', request, this.caller);
  }

  getTask(id: string): Promise<Task> {
    return this.service.call('getTask', { id }, this.caller);
  }

  complete(id: string, given: { etag?: string; requestId?: string } = {}): Promise<TaskCompletion> {
    return this.service.call('completeTask', { id, ...given }, this.caller);
  }

  skip(id: string): Promise<TaskCompletion> {
    return this.service.call('skipTask', { id }, this.caller);
  }

  /** The tasks of a series, in the order of their occurrences. */
  async series(seriesId: string): Promise<Task[]> {
    const request = { filter: `seriesId = "${seriesId}"`, pageSize: 200 };
    const { tasks } = await this.service.call('listTasks', request, this.caller);
    return tasks.toSorted((one, other) => (one.occurrence! < other.occurrence! ? -1 : 1));
  }

  /** Subjects of the tasks that match a filter. */
  async tasks(filter: string, as = this.caller): Promise<string[]> {
    const { tasks } = await this.service.call('listTasks', { filter, orderBy: 'subject', pageSize: 200 }, as);
    return tasks.map(({ subject }) => subject);
  }

  createNote(given: Partial<Note> = {}, as = this.caller): Promise<Note> {
    return this.service.call('createNote', { note: { ...Note.decode(nothing), body: 'A note', ...given } }, as);
  }

  createCall(given: Partial<Call> = {}): Promise<Call> {
    return this.service.call(
      'createCall',
      { call: { ...Call.decode(nothing), subject: 'A call', ...given } },
      this.caller,
    );
  }

  createMeeting(given: Partial<Meeting> = {}): Promise<Meeting> {
    const meeting = { ...Meeting.decode(nothing), subject: 'A meeting', ...given };
    return this.service.call('createMeeting', { meeting }, this.caller);
  }

  createEmail(given: Partial<Email> = {}): Promise<Email> {
    const email = { ...Email.decode(nothing), subject: 'An e-mail', ...given };
    return this.service.call('createEmail', { email }, this.caller);
  }
}

/** A reference of `related`. */
export function ref(type: string, { id }: { id: string }) {
  return { type, id };
}
