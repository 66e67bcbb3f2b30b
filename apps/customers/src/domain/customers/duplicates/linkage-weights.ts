/**
 * Parameters of the Fellegi–Sunter model; none of them is fitted to a data set. Random agreement is mostly counted from
 * the records (term-frequencies.ts), so one set of weights serves all.
 */
type Chances = Readonly<Record<'EXACT', number> & Partial<Record<'SIMILAR' | 'PARTIAL', number>>>;

/**
 * Agreement rates of a field at each level between records of the same person or company: the m-probabilities of
 * Fellegi and Sunter (1969). Set by hand from published error rates: one value in ten to twenty is mistyped (Winkler
 * 1990; Christen, "Data Matching", 2012, chapter 3), people move, marry and have several addresses. Half the records of
 * a company spell its name in the same way; in one pair of ten the names have nothing in common, like a brand and the
 * company that owns it.
 */
export const sameCustomer = {
  identifier: { EXACT: 0.85, SIMILAR: 0.1, DIFFERENT: 0.05 },
  givenName: { EXACT: 0.8, SIMILAR: 0.14, PARTIAL: 0.02, DIFFERENT: 0.04 },
  familyName: { EXACT: 0.8, SIMILAR: 0.14, PARTIAL: 0.01, DIFFERENT: 0.05 },
  birthDate: { EXACT: 0.75, SIMILAR: 0.12, PARTIAL: 0.08, DIFFERENT: 0.05 },
  companyName: { EXACT: 0.5, SIMILAR: 0.2, PARTIAL: 0.2, DIFFERENT: 0.1 },
  domain: { EXACT: 0.8, DIFFERENT: 0.2 },
  email: { EXACT: 0.6, SIMILAR: 0.15, PARTIAL: 0.05, DIFFERENT: 0.2 },
  // Only numbers of companies agree in part: other extensions of one switchboard.
  phone: { EXACT: 0.6, SIMILAR: 0.1, PARTIAL: 0.1, DIFFERENT: 0.3 },
  street: { EXACT: 0.65, SIMILAR: 0.12, PARTIAL: 0.08, DIFFERENT: 0.15 },
  postalCode: { EXACT: 0.75, SIMILAR: 0.1, DIFFERENT: 0.15 },
  city: { EXACT: 0.75, SIMILAR: 0.12, DIFFERENT: 0.13 },
  state: { EXACT: 0.85, SIMILAR: 0.05, DIFFERENT: 0.1 },
  country: { EXACT: 0.96, DIFFERENT: 0.04 },
} as const satisfies Record<string, Chances & Record<'DIFFERENT', number>>;

/**
 * Agreement rates between records of different customers. EXACT: of one value, before any were counted. SIMILAR and
 * PARTIAL: the rate at which two random unequal values reach the level in compare-values.ts; two dates within 80 years
 * are less than a month apart in 1 of 500 pairs, less than a year in 1 of 40.
 */
export const byChance: Readonly<
  Record<keyof typeof sameCustomer | 'companyWord' | 'house' | 'emailLocal' | 'emailDomain', Chances>
> = {
  identifier: { EXACT: 0.00001, SIMILAR: 0.00005 },
  givenName: { EXACT: 0.005, SIMILAR: 0.005, PARTIAL: 0.05 },
  familyName: { EXACT: 0.002, SIMILAR: 0.005, PARTIAL: 0.05 },
  birthDate: { EXACT: 0.00005, SIMILAR: 0.003, PARTIAL: 0.025 },
  companyName: { EXACT: 0.0002, SIMILAR: 0.0002, PARTIAL: 0.0002 },
  companyWord: { EXACT: 0.002 },
  domain: { EXACT: 0.0001 },
  email: { EXACT: 0.00001, SIMILAR: 0.0001, PARTIAL: 0.0001 },
  emailLocal: { EXACT: 0.0005 },
  emailDomain: { EXACT: 0.01 },
  // Direct numbers of one office differ in one digit.
  phone: { EXACT: 0.00001, SIMILAR: 0.002, PARTIAL: 0.001 },
  house: { EXACT: 0.0001, SIMILAR: 0.0002 },
  street: { EXACT: 0.0005, SIMILAR: 0.002, PARTIAL: 0.002 },
  postalCode: { EXACT: 0.001, SIMILAR: 0.005 },
  city: { EXACT: 0.01, SIMILAR: 0.01 },
  state: { EXACT: 0.1, SIMILAR: 0.05 },
  country: { EXACT: 0.3 },
};

/**
 * Uncounted companies that share a value, besides the counted ones: one company in seven shares its number, house or
 * name with one that no record mentions.
 */
export const unseenHolders = 0.15;

/** Rate at which given and family name are exchanged in one of two records of the same person. */
export const swappedNames = 0.05;

/** Rate at which two colleagues' addresses are similar before the @. */
export const similarColleagues = 0.02;

/** Rate at which the initials of one company are the name of another. */
export const acronymByChance = 0.005;

/** Share of partially similar pairs of names of one company that have extra words on both sides. */
export const wordsOnBothSides = 0.25;

/**
 * The weight of a lesser agreement beside the strongest of a group of dependent fields: the parts of an address, words
 * of a name.
 */
export const dependentShare = 0.3;
