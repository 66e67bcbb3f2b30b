/** Prefix of the origin of calls that an exchange with another system makes. The id of its mapping follows. */
export const exchangeOriginPrefix = 'sync:';
