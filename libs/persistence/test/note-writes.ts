import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { AppError, flowOrigin, type CallCause } from '@rapport/platform';
import { v7 } from 'uuid';
import {
  writeOnce,
  writeStatementsOnce,
  type IdempotencyKey,
  type StatementTransaction,
  type WriteCall,
} from '../src/index.js';
import { asTenant } from './note-database.js';
import { Note } from './note.entity.js';

/** The caller's request. */
export interface NoteWrite {
  requestId?: string | undefined;
  text?: string;
  principalId?: string;
  /** Run of a flow whose step writes. */
  runId?: string;
}

/** A write whose work is a unit of work. */
export interface UnitWrite extends NoteWrite {
  /** Runs after the insert of the note. */
  then?: (em: EntityManager) => Promise<unknown>;
}

/** A write whose work consists of statements. */
export interface StatementsWrite extends NoteWrite {
  validateOnly?: boolean;
  id?: string;
  /** Runs before the insert of the note is queued. */
  first?: ((transaction: StatementTransaction) => Promise<unknown>) | undefined;
}

/** Writes a note as a handler would. Returns its id. */
export function writeInUnit(orm: MikroORM, tenantId: string, write: UnitWrite): Promise<string> {
  const { requestId, text = 'hello', principalId, runId, then } = write;
  const work = async (transaction: EntityManager) => {
    const note = transaction.create(Note, { tenantId, id: v7(), text });
    await transaction.flush();
    await then?.(transaction);
    return note.id;
  };
  return asTenant(orm, tenantId, (em) => writeOnce(em, callOf(requestId, text), work), principalId, causeOf(runId));
}

/** Writes a note as a handler that saves round trips would. Returns its id. */
export function writeInStatements(orm: MikroORM, tenantId: string, write: StatementsWrite): Promise<string> {
  const { requestId, validateOnly, id = v7(), text = 'hello', principalId, runId, first } = write;
  const call = { ...callOf(requestId, text), ...(validateOnly === undefined ? {} : { validateOnly }) };
  const work = async (transaction: StatementTransaction) => {
    await first?.(transaction);
    transaction.later({
      sql: 'insert into note (tenant_id, id, text) values ($1, $2, $3)',
      values: [tenantId, id, text],
      explain: async (_, read) => {
        const notes = await read<{ text: string }>({ sql: 'select text from note where id = $1', values: [id] });
        return new AppError('ALREADY_EXISTS', 'NOTE_EXISTS', `There is ${notes[0]?.text}.`);
      },
    });
    return id;
  };
  return asTenant(orm, tenantId, (em) => writeStatementsOnce(em, call, work), principalId, causeOf(runId));
}

/** A statement whose result the work awaits: it takes a round trip. */
export function look(transaction: StatementTransaction): Promise<unknown> {
  return transaction.rows({ sql: 'select 1' });
}

export function count(orm: MikroORM, tenantId: string, entity: typeof Note | typeof IdempotencyKey): Promise<number> {
  return asTenant(orm, tenantId, (em) => em.count(entity as typeof Note));
}

function causeOf(runId: string | undefined): CallCause | undefined {
  return runId === undefined ? undefined : { origin: flowOrigin, causationId: runId };
}

function callOf(requestId: string | undefined, text: string): WriteCall<string> {
  return {
    method: '/test.v1.NotesService/CreateNote',
    requestId,
    request: Buffer.from(text),
    encode: (id: string) => Buffer.from(id),
    decode: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  };
}
