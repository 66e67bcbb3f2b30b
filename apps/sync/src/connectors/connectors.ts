import { cardDavConnector } from './carddav/carddav-connector.js';
import type { Connector } from './connector.js';
import { fileConnector } from './files/file-connector.js';
import { restConnector } from './rest/rest-connector.js';
import { sqlConnector } from './sql/sql-connector.js';

/** All connectors. */
export const connectors: readonly Connector[] = [cardDavConnector, sqlConnector, fileConnector, restConnector];
