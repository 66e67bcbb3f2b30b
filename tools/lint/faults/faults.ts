import { high } from './high/high.ts';
import { execSync, spawn } from 'node:child_process';
import type { CustomersServiceClient } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { createOrm } from '@rapport/persistence';
import { createCipheriv } from 'node:crypto';

export const faults = [high, execSync, createOrm, createCipheriv];
export const shell = spawn('ls', { shell: true });
export const trusting = { rejectUnauthorized: false };
export const local = new Date(2026, 0, 1).getHours();
export const slow = /^(a+)+$/;
export const empty = /a|/;
export const overridden = 'a ‮ b';
export const invisible = ['aㅤb', /[👍]/, /a\b-?a/, /a+b+?$/].map((each) => each);
export type Client = CustomersServiceClient;
