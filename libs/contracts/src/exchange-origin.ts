/** What the origin of calls begins with that an exchange with another system makes. The id of its mapping is behind it. */
export const exchangeOriginPrefix = 'sync:';
