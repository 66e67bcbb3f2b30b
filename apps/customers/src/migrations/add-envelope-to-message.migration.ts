import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Adds `envelope` to the messages, and to what the change log has of them. Its triggers list the columns of the table, so they are created
 * again, in the transaction of the new column: the previous release can write before and after.
 */
export class AddEnvelopeToMessage extends Migration {
  override name = 'add-envelope-to-message';

  override up(): void {
    this.addSql(`
      alter table message add column envelope jsonb;
      alter table message alter column envelope set statistics 0;

      drop function log_message_insert, log_message_update, log_message_delete cascade;
      drop trigger log_truncate on message;
      drop trigger log_rename on message;
    `);
    this.addSql(
      triggersOf({
        table: 'message',
        type: 'message',
        key: 'id',
        version: '$.version',
        content: [
          'subject',
          'direction',
          'mailbox_id',
          'internet_message_id',
          'in_reply_to',
          'reference_ids',
          'from_address',
          'from_name',
          'to_addresses',
          'cc_addresses',
          'reply_to',
          'text',
          'html',
          'visible_text',
          'trimmed',
          'attachments',
          'authentication',
          'class',
          'threading_rule',
          'state',
          'state_reason',
          'customer_id',
          'ticket_id',
          'refused_ticket_id',
          'raw_file_id',
          'raw_sha256',
          'size_bytes',
          'receive_time',
          'send_time',
          'automatic',
          'bcc_count',
          'envelope',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}
