const words = (text: string): readonly string[] => text.split(' ');

/** Synthetic towns with the prefix of their postal codes. */
export const towns: readonly (readonly [town: string, postalStart: string])[] = [
  ...(['Ashford 241', 'Bergheim 503', 'Clayton 631', 'Dunmore 184', 'Eastbrook 027', 'Falkenau 084'] as const),
  ...(['Greenfield 013', 'Hartwell 306', 'Ingleside 783', 'Kingsport 376', 'Lindau 881', 'Marlow 741'] as const),
  ...(['Newhaven 065', 'Oakdale 953', 'Pinewood 392', 'Riverton 825', 'Steinfeld 495', 'Thornbury 973'] as const),
].map((text) => [text.split(' ')[0] ?? '', text.split(' ')[1] ?? ''] as const);

export const surnames = words(
  'Abbott Bauer Carver Dietrich Ellison Fischer Garrick Hoffmann Ivers Jansen Keller Lambert Maddox Neumann Osborne Pascal ' +
    'Quinn Richter Sawyer Thorne Underhill Vogel Whitaker Xavier Yates Ziegler Barlow Crane Duval Engel Foster Graham Huber ' +
    'Jarvis Kramer Lorenz Mercer Norris Olsen Porter Reyes Schuster Tanner Ulrich Vance Weller Beck Conrad Draper Ernst',
);

export const trades = words(
  'Plumbing Electric Roofing Logistics Bakery Printing Motors Pharmacy Dental Insurance Catering Furniture Machinery Textiles ' +
    'Security Cleaning Landscaping Consulting Software Brewery Optics Travel Flooring Storage',
);

/** Frequent additions to the trade in a name. */
export const generics = words(
  'Services Solutions Group International Associates Manufacturing Technologies Center Systems',
);

export const adjectives = words(
  'National United General First Northern Central Premier Allied Modern Royal Advanced Coastal',
);

export const streets = words(
  'Main Oak Mill Church Station Park Market Bridge Garden Harbor Castle Forest Meadow Summit Valley Canal Orchard Tower Union ' +
    'Walnut Prospect Chapel Quarry Spring',
);

export const saints = words('Anne Mark Luke Clare Peter Martin Teresa Paul Agnes Joseph');

export const institutions = ['Academy', 'Hospital', 'Day School', 'Community College', 'Child Care Center', 'Clinic'];

/** Starts and ends of invented brands. */
export const brandStarts = words(
  'Ax Bel Cor Del Ev Fil Gra Hy In Jo Kal Lum Mer Nov Or Pra Qua Rin Sol Tri Ul Vel Wex Zan',
);
export const brandEnds = words(
  'ara bion cent dex eon fera gix holm ivo kor lan mira nova ora plex quil ron sta tis una vex wyn',
);

export const streetTypes: readonly (readonly string[])[] = [
  ['Street', 'St', 'St.'],
  ['Avenue', 'Ave', 'Av.'],
  ['Road', 'Rd', 'Rd.'],
  ['Boulevard', 'Blvd'],
];

/** Each company has one of these, which its records spell differently or omit. */
export const legalForms: readonly (readonly string[])[] = [
  ['GmbH', 'G.m.b.H.', 'Gesellschaft mbH', 'Gesellschaft m.b.H.'],
  ['Ltd', 'Limited', 'Ltd.'],
  ['Inc', 'Incorporated', 'Inc.', ', Inc.'],
  ['Co.', 'Company', '& Co.'],
  ['Corp.', 'Corporation'],
  ['S.A.', 'SA'],
];

/** Words that people abbreviate, in full and abbreviated. */
export const shortForms: readonly (readonly [full: string, short: string])[] = [
  ['International', 'Intl'],
  ['Brothers', 'Bros'],
  ['Manufacturing', 'Mfg'],
  ['Services', 'Svcs'],
  ['Associates', 'Assoc'],
  ['Technologies', 'Tech'],
  ['Center', 'Ctr'],
  ['National', 'Natl'],
  ['Saint', 'St'],
  ['Hospital', 'Hosp'],
  ['Community', 'Comm'],
  ['Insurance', 'Ins'],
  ['Pharmacy', 'Pharm'],
  ['Electric', 'Elec'],
  ['and', '&'],
];
