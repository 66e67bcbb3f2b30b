import { configurationCheck } from '../check-configuration.js';
import type { ConfigurationSchema } from '../description.js';

export interface CardDavConfiguration {
  url: string;
  username: string;
  password: string;
  addressBook?: string;
}

export const cardDavConfigurationSchema: ConfigurationSchema = {
  type: 'object',
  properties: {
    url: {
      type: 'string',
      title: 'Address',
      description: 'Of an address book, or of a server on which the account is discovered (RFC 6764).',
      pattern: '^https?://[^/?#@]+(?:/[^?#]*)?$',
      maxLength: 2_000,
      destination: true,
    },
    username: { type: 'string', title: 'User name', minLength: 1, maxLength: 300, pattern: '^[^:]*$' },
    password: { type: 'string', title: 'Password', minLength: 1, maxLength: 1_000, writeOnly: true },
    addressBook: {
      type: 'string',
      title: 'Address book',
      description: 'Name of the address book, needed when the account has more than one.',
      minLength: 1,
      maxLength: 300,
    },
  },
  required: ['url', 'username', 'password'],
  additionalProperties: false,
};

export const checkCardDavConfiguration = configurationCheck<CardDavConfiguration>(cardDavConfigurationSchema);
