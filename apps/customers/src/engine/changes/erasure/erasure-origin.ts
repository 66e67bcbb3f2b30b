/** The origin that the change log has of what an erasure does. */
export const erasureOrigin = 'erasure';
