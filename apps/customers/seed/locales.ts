/** Synthetic customers of a country. */
export interface Locale {
  countryCode: string;
  /** Country calling code, and the number of digits after it. */
  phone: [prefix: string, digits: number];
  given: readonly string[];
  family: readonly string[];
  /** City, state and the format of a postal code, in which # is a digit. */
  places: readonly (readonly [city: string, state: string, postalCode: string])[];
  streets: readonly string[];
  trades: readonly string[];
  legalForms: readonly string[];
}

const words = (text: string): readonly string[] => text.split(' ');

/** Countries of seeded customers, the most frequent first. */
export const locales: readonly Locale[] = [
  {
    countryCode: 'US',
    phone: ['+1', 10],
    given: words('James Mary Michael Patricia Robert Jennifer John Linda David Elizabeth William Barbara Ada Grace'),
    family: words('Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Moore Lovelace Hopper Clark'),
    places: [
      ['New York', 'NY', '100##'],
      ['Chicago', 'IL', '606##'],
      ['Austin', 'TX', '787##'],
      ['Seattle', 'WA', '981##'],
    ],
    streets: words('Main Oak Pine Maple Cedar Elm Lake Hill'),
    trades: words('Software Logistics Foods Energy Robotics Insurance Textiles Labs'),
    legalForms: words('Inc LLC Corp'),
  },
  {
    countryCode: 'DE',
    phone: ['+49', 10],
    given: words('Jürgen Ursula Thomas Sabine Andreas Petra Łukasz Heike Jörg Käthe Björn Anneliese Felix Mia'),
    family: words('Müller Schmidt Schneider Fischer Weber Meyer Wagner Strauß Schäfer Köhler Groß Böhm Vogel Jäger'),
    places: [
      ['Berlin', 'Berlin', '10###'],
      ['München', 'Bayern', '80###'],
      ['Köln', 'Nordrhein-Westfalen', '50###'],
      ['Hamburg', 'Hamburg', '20###'],
    ],
    streets: words('Hauptstraße Gartenweg Bahnhofstraße Lindenallee Schulstraße Mühlenweg'),
    trades: words('Maschinenbau Elektrotechnik Bäckerei Spedition Software Werkzeuge'),
    legalForms: words('GmbH AG KG'),
  },
  {
    countryCode: 'FR',
    phone: ['+33', 9],
    given: words('Émile Chloé François Hélène René Zoé Jérôme Amélie Gaëtan Léa Théo Océane'),
    family: words('Dupont Lefèvre Béranger Moreau Girard Garçon Müntz Noël Rousseau Chevalier Fontaine Benoît'),
    places: [
      ['Paris', 'Île-de-France', '750##'],
      ['Lyon', 'Auvergne-Rhône-Alpes', '690##'],
      ['Nîmes', 'Occitanie', '300##'],
    ],
    streets: words('Voltaire République Lilas Église Moulin Gare'),
    trades: words('Boulangerie Énergie Transports Électronique Vignobles Conseil'),
    legalForms: words('SARL SA SAS'),
  },
  {
    countryCode: 'GB',
    phone: ['+44', 10],
    given: words('Oliver Amelia Harry Isla George Olivia Noah Ava Charlie Sophie Alan Joan'),
    family: words('Turing Clarke Evans Hughes Wright Walker Robinson Thompson Byron Whitaker Jonsson Smyth'),
    places: [
      ['London', 'Greater London', 'SW1Y #JH'],
      ['Leeds', 'West Yorkshire', 'LS# #AB'],
      ['Bristol', 'Bristol', 'BS# #CD'],
    ],
    streets: words('High Station Church Victoria Mill King'),
    trades: words('Engines Textiles Analytics Shipping Brewing Consulting'),
    legalForms: words('Ltd PLC LLP'),
  },
  {
    countryCode: 'BR',
    phone: ['+55', 11],
    given: words('João Ana Antônio Conceição José Márcia Luís Débora Tomás Inês'),
    family: words('Silva Souza Gonçalves Araújo Magalhães Fundação Ribeiro Carvalho Simões Leitão'),
    places: [
      ['São Paulo', 'SP', '01###-###'],
      ['Rio de Janeiro', 'RJ', '20###-###'],
      ['Brasília', 'DF', '70###-###'],
    ],
    streets: words('Paulista Ipiranga Flores Aurora Consolação'),
    trades: words('Alimentos Agropecuária Tecnologia Comércio Transportes'),
    legalForms: words('Ltda S.A.'),
  },
  {
    countryCode: 'ES',
    phone: ['+34', 9],
    given: words('María José Begoña Íñigo Lucía Andrés Núria Óscar Álvaro Sofía'),
    family: words('García Fernández López Martínez Sánchez Núñez Peña Ibáñez Muñoz Gutiérrez'),
    places: [
      ['Madrid', 'Madrid', '28###'],
      ['A Coruña', 'Galicia', '15###'],
      ['Málaga', 'Andalucía', '29###'],
    ],
    streets: words('Mayor Sol Gran Alcalá Colón'),
    trades: words('Construcción Aceites Logística Informática Muebles'),
    legalForms: words('SL SA'),
  },
  {
    countryCode: 'PL',
    phone: ['+48', 9],
    given: words('Łukasz Małgorzata Paweł Agnieszka Michał Święta Żaneta Jacek'),
    family: words('Kowalski Wiśniewska Wójcik Dąbrowski Zieliński Szymańska Woźniak Jabłoński'),
    places: [
      ['Kraków', 'Małopolskie', '30-###'],
      ['Łódź', 'Łódzkie', '90-###'],
      ['Gdańsk', 'Pomorskie', '80-###'],
    ],
    streets: words('Długa Krótka Polna Leśna Ogrodowa'),
    trades: words('Budownictwo Usługi Handel Transport'),
    legalForms: words('Sp.z.o.o. S.A.'),
  },
  {
    countryCode: 'SE',
    phone: ['+46', 9],
    given: words('Åsa Björn Östen Märta Håkan Göran Linnéa Sven'),
    family: words('Johansson Ångström Lindström Öberg Sjögren Håkansson Nyström Ødegård'),
    places: [
      ['Malmö', 'Skåne', '21# ##'],
      ['Göteborg', 'Västra Götaland', '41# ##'],
    ],
    streets: words('Storgatan Kungsgatan Skolgatan Ringvägen'),
    trades: words('Bygg Skog Teknik Fisk'),
    legalForms: words('AB HB'),
  },
  {
    countryCode: 'JP',
    phone: ['+81', 10],
    given: words('太郎 花子 健一 美咲 翔太 さくら'),
    family: words('佐藤 鈴木 高橋 田中 渡辺 山本'),
    places: [
      ['東京', '東京都', '10#-####'],
      ['大阪', '大阪府', '53#-####'],
    ],
    streets: words('中央 本町 桜通り'),
    trades: words('電機 製作所 商事 食品'),
    legalForms: words('株式会社 合同会社'),
  },
  {
    countryCode: 'TR',
    phone: ['+90', 10],
    given: words('İbrahim Ayşe Çağla Gökhan Şule Işık'),
    family: words('Yılmaz Öztürk Şahin Çelik Aydın Kılıç'),
    places: [
      ['İstanbul', 'İstanbul', '34###'],
      ['Muğla', 'Muğla', '48###'],
    ],
    streets: words('Atatürk Cumhuriyet Çınar'),
    trades: words('Tekstil Gıda İnşaat'),
    legalForms: words('AŞ Ltd'),
  },
  {
    countryCode: 'GR',
    phone: ['+30', 10],
    given: words('Γιώργος Ελένη Νίκος Σοφία'),
    family: words('Παπαδόπουλος Γεωργίου Οικονόμου Νικολαΐδης'),
    places: [['Αθήνα', 'Αττική', '10# ##']],
    streets: words('Ερμού Σταδίου'),
    trades: words('Ναυτιλία Τρόφιμα'),
    legalForms: words('ΑΕ ΕΠΕ'),
  },
];

/** First and last syllables of rare family names. */
export const rareNames = {
  beginnings: words('Bran Ker Hol Lam Sten Wes Mar Fal Gren Tor Vel Ash Cor Dun Ell Nor Rad Sil Thorn Wil'),
  middles: words('den ber ing ter man gar lo mer na ro si ver wick hol bur dal'),
  ends: words('berg son ton ford field well man hoff stad ley wood by sen worth ski ard'),
};

export const jobTitles = words(
  'Analyst Accountant Buyer Director Engineer Founder Manager Nurse Physician Programmer Receptionist Teacher',
);
export const tagNames = words(
  'vip newsletter partner press reseller supplier trial prospect churn-risk beta key-account b2b b2c event-2025 VIP',
);
export const sources = ['web form', 'import', 'trade fair', 'referral', 'cold call', 'api'] as const;
