import { Migration } from '@mikro-orm/migrations';

/** What campaigns need beside their records: their audience with the work on it, and the campaigns to send. */
export class CreateCampaignMember extends Migration {
  override name = 'create-campaign-member';

  override up(): void {
    this.addSql(tables);
    this.addSql(rules);
  }
}

const tables = `
  -- A member of the audience of a campaign, and the work on its recipient. The audience is written before the recipients, and
  -- shows whether one is missing. The order of the keys is that of the recipients: a hash of campaign and customer.
  create table campaign_member (
    tenant_id uuid not null,
    campaign_id uuid not null,
    recipient_id uuid not null,
    customer_id uuid,
    order_key bytea not null,
    fate text check (fate in ('READY', 'NO_ADDRESS', 'DUPLICATE_ADDRESS', 'CUSTOMER_DELETED')),
    address_hash bytea,
    domain text collate "C",
    due_time timestamptz(3),
    is_written boolean not null default false,
    is_held boolean not null default false,
    is_queued boolean not null default false,
    variant_key text,
    attempt int not null default 0,
    is_begun boolean not null default false,
    lease_end_time timestamptz(3),
    primary key (tenant_id, recipient_id)
  );
  create index campaign_member_by_order on campaign_member (tenant_id, campaign_id, order_key, recipient_id);
  create index campaign_member_unread on campaign_member (tenant_id, campaign_id, order_key, recipient_id)
    where fate is null;
  create index campaign_member_unwritten on campaign_member (tenant_id, campaign_id, order_key, recipient_id)
    where not is_written;
  create index campaign_member_ready on campaign_member (tenant_id, campaign_id, order_key, recipient_id)
    where fate = 'READY';
  -- Nobody gets two e-mails of one campaign.
  create unique index campaign_member_by_address on campaign_member (tenant_id, campaign_id, address_hash)
    where fate = 'READY';
  create index campaign_member_due on campaign_member (tenant_id, campaign_id, is_held, due_time, order_key)
    where is_queued and lease_end_time is null;
  create index campaign_member_leased on campaign_member (tenant_id, campaign_id, lease_end_time)
    where lease_end_time is not null;
  create index campaign_member_of_customer on campaign_member (tenant_id, campaign_id, customer_id);

  -- Campaigns to send, of all tenants, which workers look for: only ids and times. Claims of a campaign take turns at its row,
  -- and a pause waits for its turn.
  create table campaign_job (
    tenant_id uuid not null,
    campaign_id uuid not null,
    mailbox_id uuid not null,
    phase text not null check (phase in ('COLLECTING', 'READING', 'WRITING', 'SENDING')),
    after_id uuid,
    cuts jsonb,
    is_sending boolean not null default false,
    next_time timestamptz(3),
    winner_key text,
    throttle_per_minute int,
    tokens double precision not null default 0,
    token_time timestamptz(3) not null default rapport_clock(),
    primary key (tenant_id, campaign_id)
  );
  create index campaign_job_by_time on campaign_job (tenant_id, next_time) where is_sending and next_time is not null;
`;

const rules = `
  alter table campaign_member enable row level security;
  alter table campaign_member force row level security;
  create policy tenant_isolation on campaign_member
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  -- What the erasure of a customer leaves of a recipient: no address, in whatever form.
  create function erase_campaign_member() returns trigger language plpgsql as $$
  begin
    update campaign_member set customer_id = null, address_hash = null, domain = null
    where tenant_id = new.tenant_id and recipient_id = new.id;
    return null;
  end $$;

  create trigger erase_campaign_member after update on campaign_recipient for each row
    when (old.customer_id is not null and new.customer_id is null) execute function erase_campaign_member();
`;
