import { setImmediate as nextTurn } from 'node:timers/promises';
import { isTrue } from '@rapport/contracts/expressions';
import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { platformContract, recordContracts, snakeCase } from '@rapport/contracts';
import { celValues, recordType } from '@rapport/contracts/expressions';
import type { ClientBase } from 'pg';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { JsonObject } from '../effects/effect-port.js';
import { noteEvents, waitsForChange, type ChangeWait } from '../runs/note-events.js';
import type { ChangeFacts } from './match-trigger.js';

/** Types of records by their names in the change feed. */
const types = new Map(recordContracts(platformContract()).map((type) => [snakeCase(type.singular), type]));

/** Waits whose conditions are evaluated, and whose events are sealed, in one turn of the event loop. A change can have 10,000 of them. */
const waitsOfTurn = 200;

/** Gives changes to steps `listen` of runs that started at an earlier position. */
export class ListenMatcher {
  #isNeeded: boolean;

  private constructor(
    private readonly client: ClientBase,
    private readonly envelope: SecretEnvelope,
    private readonly tenantId: string,
    isNeeded: boolean,
  ) {
    this.#isNeeded = isNeeded;
  }

  /** @param client with the tenant */
  static async of(client: ClientBase, envelope: SecretEnvelope, tenantId: string): Promise<ListenMatcher> {
    const { rows } = await client.query<{ waits: boolean }>({
      name: 'has_flow_waits',
      text: `select exists (select from flow_wait where tenant_id = $1 and kind = 'CHANGE') as waits`,
      values: [tenantId],
    });
    return new ListenMatcher(client, envelope, tenantId, rows[0]?.waits === true);
  }

  /** Whether any run waits for changes. */
  get isNeeded(): boolean {
    return this.#isNeeded;
  }

  /** A run was started, whose steps may listen to later changes. */
  noteStart(): void {
    this.#isNeeded = true;
  }

  /** @returns the number of runs that are due because of a change */
  async take(change: Change | undefined, { id, type, recordId, time, operation, changedFields, actor }: ChangeFacts) {
    const contract = types.get(type);
    if (!this.#isNeeded || !change || !contract) return 0;
    const waits = await waitsForChange(this.client, this.tenantId, { type: contract.singular, recordId, time });
    const [record, before] = [change.after ?? {}, change.before ?? {}];
    const facts = { operation, changedFields: [...changedFields], time, actor };
    const typed = recordType(contract);
    const values = celValues(
      { record, before, change: { ...facts, time: new Date(time) } },
      { record: typed, before: typed },
    );
    const data = { record, before, change: facts, recordId } as JsonObject;
    const { tenantId } = this;
    const eventOf = ({ runId, stepKey, eventKey }: ChangeWait) => ({
      ...{ tenantId, runId, target: stepKey, eventKey, eventId: id, time, data },
    });
    const due = new Set<string>();
    for (let start = 0; start < waits.length; start += waitsOfTurn) {
      // Other calls have their turn between two parts. The waits are in the order of their runs, in which jobs are locked.
      if (start > 0) await nextTurn();
      const part = waits.slice(start, start + waitsOfTurn);
      const met = part.filter(({ match }) => match === null || isTrue(match, values));
      for (const runId of await noteEvents(this.client, this.envelope, met.map(eventOf))) due.add(runId);
    }
    return due.size;
  }
}
