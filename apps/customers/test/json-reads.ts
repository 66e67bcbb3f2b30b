import { AnswerForm, JsonCodec, type ContractClient } from '@rapport/contracts';
import { GetCustomerRequest, ListCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { metrics, type Caller } from '@rapport/platform';
import { expect } from 'vitest';
import { methodDescriptor } from '../src/engine/values/contract.js';
import { newCaller, type SharedCustomers } from './running-customers.js';

const service = '/rapport.customers.v1.CustomersService';

/** Reads of customers that are answered with JSON, as those of the edge. */
export class JsonReads {
  constructor(private readonly customers: SharedCustomers) {}

  /** Only calls over a stream are answered with JSON. Call it within a test. */
  async untilStreamed(): Promise<void> {
    const streams = async () => (await metrics.getSingleMetric('rapport_call_streams')?.get())?.values[0]?.value;
    await expect.poll(() => this.list(newCaller(), {}).then(streams)).toBeGreaterThan(0);
  }

  list(caller: Caller, request: Partial<ListCustomersRequest>): Promise<string> {
    return this.#json(caller, 'ListCustomers', { ...ListCustomersRequest.decode(new Uint8Array()), ...request });
  }

  get(caller: Caller, id: string): Promise<string> {
    return this.#json(caller, 'GetCustomer', { ...GetCustomerRequest.decode(new Uint8Array()), id });
  }

  /** Reads again and again, as JSON and in protobuf: the first answer writes what the next ones know. */
  async expectSameLists(caller: Caller, request: Partial<ListCustomersRequest>): Promise<void> {
    const wanted = textOf('ListCustomers', await this.customers.call('listCustomers', request, caller));
    for (let read = 0; read < 3; read += 1) expect(await this.list(caller, request)).toBe(wanted);
  }

  /** As `expectSameLists`, for one record. */
  async expectSameRecord(caller: Caller, id: string): Promise<void> {
    const wanted = textOf('GetCustomer', await this.customers.get(caller, id));
    for (let read = 0; read < 3; read += 1) expect(await this.get(caller, id)).toBe(wanted);
  }

  async #json(caller: Caller, method: string, request: object): Promise<string> {
    const context = this.customers.outgoing(caller);
    const options: Parameters<ContractClient['json']>[2] = { context, deadlineMs: 20_000 };
    const [answer] = await this.customers.streams.json(`${service}/${method}`, request, options, AnswerForm.JSON);
    return String(answer?.text);
  }
}

/** The JSON of an answer in protobuf. */
function textOf(method: string, answer: object): string {
  return JsonCodec.of(methodDescriptor(`${service}/${method}`).output, new Map()).toText({ ...answer });
}
