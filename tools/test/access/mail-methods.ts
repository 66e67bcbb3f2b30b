/** Methods by which sync stores the mails that it reads and takes those to send: no credential reaches them. */
export const mailMethods: readonly (readonly [service: string, method: string])[] = [
  ...[
    'StoreMessages',
    'StoreLargeMessage',
    'ListUnparsedTenants',
    'ClaimStoredMessages',
    'ReadRawMessage',
    'StoreAttachment',
    'FileMessage',
    'RejectMessage',
    'ListStoredMessages',
  ].map((method) => ['MailIntakeService', method] as const),
  ...['ListQueuedTenants', 'ClaimMessages', 'ReadOutgoingAttachment', 'SettleMessages', 'RecordBounce'].map(
    (method) => ['MailOutboxService', method] as const,
  ),
  ...['PutMailAddress', 'DeleteMailAddress'].map((method) => ['MailAddressesService', method] as const),
];

/** The same for the e-mails of campaigns. */
export const campaignMethods = ['ListSendingTenants', 'ClaimRecipients', 'SettleRecipients'] as const;

/** The same for the digests of notifications. */
export const digestMethods = ['ListDigestTenants', 'ClaimDigests', 'SettleDigests'] as const;
