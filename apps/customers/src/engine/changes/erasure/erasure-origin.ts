/** Origin of the changes of an erasure in the change log. */
export const erasureOrigin = 'erasure';
