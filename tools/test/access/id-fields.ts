/**
 * The collections of id fields that have neither `google.api.resource_reference` nor a telling name, such as
 * `from_customer_id` and `role_ids`; undefined: not in a collection. A name that has several meanings follows that of its message.
 */
export const collectionOfField: Readonly<Record<string, string | undefined>> = {
  // A caller that has the token may call: it belongs to no tenant's callers.
  'ReceiveFlowHookRequest.token': undefined,
  merged_id: 'customers',
  'TicketMerge.into_id': 'tickets',
  'TicketSplit.entry_ids': 'ticketEntries',
  principal_id: 'users',
  record: 'customers',
  endpoint_id: 'webhookEndpoints',
  connection: 'connections',
  // Of a record in another system.
  record_id: undefined,
  'AssignmentTarget.record_id': 'leads',
  // Ids of changes: a replay ignores those of other tenants.
  event_ids: undefined,
  first_event_id: undefined,
  last_event_id: undefined,
  owner_id: 'users',
  owner_team_id: 'teams',
  // They filter deals, and each answer has the time at which it was computed.
  'ComputeForecastRequest.owner_id': undefined,
  'ComputeForecastRequest.owner_team_id': undefined,
  // Expressions of steps.
  ...Object.fromEntries(
    [
      ...[
        'UpdateStep.id',
        'DeleteStep.id',
        'LinkStep.from_id',
        'LinkStep.to_id',
        'AssignStep.id',
        'AssignStep.user_id',
      ],
      ...['MoveStageStep.deal_id', 'AddTaskStep.owner_id', 'ListenEvent.record_id'],
      ...['ReplyStep.ticket_id'],
    ].map((field) => [field, undefined]),
  ),
  // A step fails when it needs a calendar or a user that does not exist.
  'AddTaskStep.calendar_id': undefined,
  'WaitStep.calendar_id': undefined,
  'ApproveStep.calendar_id': undefined,
  'ApproveStep.approver_ids': undefined,
  // And when its template or mailbox does not exist.
  'ReplyStep.template_id': undefined,
  'SendStep.mailbox_id': undefined,
  // Of a change in the log.
  change_id: undefined,
  run_id: 'flowRuns',
  'Queue.mailbox_ids': 'mailboxes',
  // Customers does not check whether the mailbox of a ticket exists: it is in the database of sync.
  'Ticket.mailbox_id': undefined,
  'Ticket.queue_id': undefined,
  // An action of a macro fails when the macro is applied. Tickets that are not waiting are skipped and returned in vain.
  'MacroQueue.queue_id': undefined,
  'MacroReply.template_id': undefined,
  'Queue.auto_reply_template_id': undefined,
  'NextTicketWish.skipped_ticket_ids': undefined,
  'TicketReturn.ticket_id': undefined,
  'Ticket.follower_ids': 'users',
  'TicketNote.mentions': 'users',
  // A secret that does not exist is made.
  'SetFlowSecretRequest.name': undefined,
  // Of an app at the mail provider.
  'MailOAuth2.client_id': undefined,
  // The client gives each mail its id.
  'ReceiveMailRequest.delivery_id': undefined,
  // The name of a mail server in its own headers.
  'Mailbox.authserv_id': undefined,
  // A campaign is checked when it is started: its mailbox is in the database of sync, and its segments may be made later.
  'Campaign.mailbox_id': undefined,
  'Campaign.include_segment_ids': undefined,
  'Campaign.exclude_segment_ids': undefined,
  'CampaignVariant.template_id': undefined,
  // STATIC segments, of which there is one here, exclude no others.
  'Segment.exclude_segment_ids': undefined,
  'SegmentPreview.exclude_segment_ids': 'segments',
  // The message of a test to a user that does not exist fails.
  'CampaignTestMail.user_ids': undefined,
  // A survey about a queue that does not exist asks about no ticket.
  'Survey.queue_ids': undefined,
  // Requests render a customer.
  'RenderedRecord.id': 'customers',
  // Flows name a segment only after it was read.
  segment_id: undefined,
  // Requests refer to a deal.
  'RecordRef.id': 'deals',
  // The caller's own tenant, as a confirmation.
  tenant_id: undefined,
  // Chosen by the caller.
  request_id: undefined,
  // Given by the sender of an e-mail.
  message_id: undefined,
};
