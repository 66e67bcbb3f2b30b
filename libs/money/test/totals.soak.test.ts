import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { convertAmount, crossRate, documentTotals, MoneyError, splitAmount } from '../src/index.js';
import type { DocumentInput, DocumentTotals } from '../src/document-types.js';
import { RandomDocuments } from './random-documents.js';

const documents = sizeOf('MONEY_DOCUMENTS', { short: 3_000, long: 100_000 });

interface Question {
  kind: 'document' | 'split' | 'conversion';
  given: object;
}

test(
  'documents, splits and conversions equal those of an oracle with rational numbers, and their lines add up',
  async () => {
    const random = new RandomDocuments(printedSeed('money'));
    const tally = { documents: 0, lines: 0, refused: 0, splits: 0, conversions: 0 };
    const oracle = new Oracle();
    for (let round = 0; round < documents; round += 1) {
      const document = random.document();
      const totals = computed(document);
      tally.documents += 1;
      tally.lines += document.lines.length;
      if ('refused' in totals) tally.refused += 1;
      else expectSums(totals);
      await oracle.expect({ kind: 'document', given: document }, totals);
      if (round % 4 > 0) continue;
      const split = random.split();
      tally.splits += 1;
      await oracle.expect({ kind: 'split', given: split }, splitAmount(split, split.shares));
      const conversion = random.conversion();
      tally.conversions += 1;
      const { currency, to, rates } = conversion;
      const amount = convertAmount(conversion, to, rates);
      await oracle.expect({ kind: 'conversion', given: conversion }, { amount, rate: crossRate(currency, to, rates) });
    }
    await oracle.end();
    printTally('money', tally);
    expect(tally.refused).toBeLessThan(documents / 2);
  },
  soakTimeoutMs,
);

function computed(document: DocumentInput): DocumentTotals | { refused: string } {
  try {
    return documentTotals(document);
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
    return { refused: error.violations[0]?.reason ?? '' };
  }
}

/** Every total is the sum of its lines, whatever the oracle says. */
function expectSums({ lines, taxes, ...totals }: DocumentTotals): void {
  const units = (text: string) => BigInt(text.replace('.', ''));
  const sum = (texts: string[]) => texts.reduce((total, text) => total + units(text), 0n);
  const summed = {
    subtotal: sum(lines.map(({ amount }) => amount)),
    discount: sum(lines.map(({ documentDiscount }) => documentDiscount)),
    net: sum(lines.map(({ net }) => net)),
    tax: sum(lines.map(({ tax }) => tax)),
    gross: sum(lines.map(({ gross }) => gross)),
  };
  const given = Object.fromEntries(Object.entries(totals).map(([name, text]) => [name, units(text)]));
  expect(given).toEqual(summed);
  expect(sum(taxes.map(({ net }) => net))).toBe(summed.net);
  expect(sum(taxes.map(({ tax }) => tax))).toBe(summed.tax);
  for (const { net, tax, gross } of lines) expect(units(net) + units(tax)).toBe(units(gross));
}

/** The Python program, which answers one line for each line that it reads. Many questions are under way at a time. */
class Oracle {
  readonly #program = spawn('python3', [join(import.meta.dirname, 'oracle.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  readonly #answers = createInterface({ input: this.#program.stdout })[Symbol.asyncIterator]();
  readonly #asked: { question: Question; answer: unknown }[] = [];

  async expect(question: Question, answer: unknown): Promise<void> {
    this.#program.stdin.write(`${JSON.stringify(question)}\n`);
    this.#asked.push({ question, answer });
    // Fewer than fill the pipes.
    if (this.#asked.length >= 64) await this.#compare(32);
  }

  async end(): Promise<void> {
    this.#program.stdin.end();
    await this.#compare(this.#asked.length);
  }

  async #compare(count: number): Promise<void> {
    for (const { question, answer } of this.#asked.splice(0, count)) {
      const { value, done } = await this.#answers.next();
      if (done) throw new Error('The oracle has ended.');
      // As text: a difference of objects is slow to find where there is none.
      const expected: unknown = JSON.parse(value);
      if (!isEqual(answer, expected)) expect(answer, JSON.stringify(question)).toEqual(expected);
    }
  }
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
