import type { ServiceMethods } from '@rapport/contracts';
import { services } from '../src/services.js';

/** The methods of all services of customers, by name. */
export const definitions = Object.assign({}, ...services) as ServiceMethods;

/** Methods with one request and one answer. */
export type Method = {
  [Name in keyof ServiceMethods]: ServiceMethods[Name] extends { requestStream: false; responseStream: false }
    ? Name
    : never;
}[keyof ServiceMethods];
export type Answer<Name extends Method> = ReturnType<ServiceMethods[Name]['responseDeserialize']>;
export type Request<Name extends Method> = Partial<ReturnType<ServiceMethods[Name]['requestDeserialize']>>;
