import { describe, expect, test } from 'vitest';
import type { FilePart } from './file-row.js';
import { readFile } from './read-file.js';

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function* inTwo(bytes: Uint8Array, cut: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, cut);
  yield bytes.subarray(cut);
}

async function collect(parts: AsyncIterable<FilePart>): Promise<FilePart[]> {
  const all: FilePart[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

async function read(contentType: string, text: string | Uint8Array): Promise<FilePart[]> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return await collect(readFile(contentType, pieces(bytes, 64 * 1024)));
}

const refusal = (reason: string): unknown =>
  expect.objectContaining({
    code: 'INVALID_ARGUMENT',
    violations: [expect.objectContaining({ field: 'file', reason })],
  });

const csv = '\ufeffname;note\r\n\r\nÅsa;"two\r\nlines; ""quoted"""\r\n;;\r\n東京;x;y\r\n🎓;5" pipe\r\nonly\r\nlast;end';
const ndjson =
  '\ufeff{"name":"Åsa"}\r\n\n{"name": oops}\n[1]\n{"name":"東京","n":12345678901234567890}\n  {"name":"🎓"}';
const json = '\ufeff[\n {"name":"Åsa, [\\"]}\\\\"},\n 7 ,"x]",null\n,{"a":{"b":[1,\n2]}},\n{"name":"🎓"}, {"bad" 1}]\n';

const values = (parts: FilePart[]) =>
  parts.map((part) => {
    if ('columns' in part) return part.columns;
    return 'problem' in part ? [part.line, part.problem.reason] : [part.line, Object.fromEntries(part.cells)];
  });

describe.each([
  [
    'text/csv',
    csv,
    [
      ['name', 'note'],
      [3, { name: 'Åsa', note: 'two\r\nlines; "quoted"' }],
      [6, 'TOO_MANY_CELLS'],
      [7, { name: '🎓', note: '5" pipe' }],
      [8, 'TOO_FEW_CELLS'],
      [9, { name: 'last', note: 'end' }],
    ],
  ],
  [
    'application/x-ndjson',
    ndjson,
    [
      [1, { name: 'Åsa' }],
      [3, 'JSON_INVALID'],
      [4, 'NOT_AN_OBJECT'],
      [5, { name: '東京', n: '12345678901234567890' }],
      [6, { name: '🎓' }],
    ],
  ],
  [
    'application/json',
    json,
    [
      [2, { name: 'Åsa, ["]}\\' }],
      [3, 'NOT_AN_OBJECT'],
      [3, 'NOT_AN_OBJECT'],
      [3, 'NOT_AN_OBJECT'],
      [4, { a: { b: [1, 2] } }],
      [6, { name: '🎓' }],
      [6, 'JSON_INVALID'],
    ],
  ],
])('%s', (contentType, text, expected) => {
  test('returns each row with the line on which it starts, for any chunking of the file', async () => {
    const bytes = Buffer.from(text);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(values(await collect(readFile(contentType, inTwo(bytes, cut)))), `cut at ${cut}`).toEqual(expected);
    }
    for (const size of [1, 2, 3, 5, 7]) {
      expect(values(await collect(readFile(contentType, pieces(bytes, size)))), `pieces of ${size}`).toEqual(expected);
    }
  });

  test('refuses an empty file, one that is not UTF-8, and one that ends within a character', async () => {
    await expect(read(contentType, '\ufeff \n')).rejects.toEqual(refusal('FILE_EMPTY'));
    await expect(read(contentType, Buffer.from('[{"name":"Köln"}]', 'latin1'))).rejects.toEqual(
      refusal('ENCODING_INVALID'),
    );
    await expect(read(contentType, Buffer.from(text).subarray(0, -1 - bytesAfterLastMark(text)))).rejects.toBeDefined();
  });
});

/** Bytes from the middle of the last four-byte character to the end. */
function bytesAfterLastMark(text: string): number {
  return Buffer.byteLength(text.slice(text.lastIndexOf('🎓') + 2)) + 1;
}

describe('CSV', () => {
  test.each([
    [',', 'a,b;c\n1,2'],
    [';', 'a;b\n1;2'],
    ['\t', 'a\tb\n1\t2'],
    [',', '"x;y;z",b\n1,2'],
  ])('finds the delimiter %j', async (_delimiter, text) => {
    const [header, row] = await read('text/csv', text);
    expect(header).toMatchObject({ columns: [expect.any(String), expect.any(String)] });
    expect(row).toMatchObject({
      line: 2,
      cells: [
        [expect.any(String), '1'],
        [expect.any(String), '2'],
      ],
    });
  });

  test('reads the charset that the content type names', async () => {
    const bytes = Buffer.from('name\nKöln', 'latin1');
    expect(values(await read('text/csv; charset="windows-1252"', bytes))).toEqual([['name'], [2, { name: 'Köln' }]]);
    await expect(read('text/csv; charset=klingon', bytes)).rejects.toEqual(refusal('CHARSET_UNSUPPORTED'));
  });

  test.each(['utf-8', undefined])(
    'reads UTF-16 by its byte order mark, in any pieces, whatever is named: %s',
    async (named) => {
      const little = Buffer.from('\ufeffname,note\nÅsa,東京\n', 'utf16le');
      const big = Buffer.from(little).swap16();
      const type = named === undefined ? 'text/csv' : `text/csv; charset=${named}`;
      for (const bytes of [little, big]) {
        for (const size of [1, 3, 64]) {
          const parts = await collect(readFile(type, pieces(bytes, size)));
          expect(values(parts)).toEqual([
            ['name', 'note'],
            [2, { name: 'Åsa', note: '東京' }],
          ]);
        }
      }
    },
  );

  test('refuses the file from an unclosed quote on, and names the previous line', async () => {
    await expect(read('text/csv', 'a,b\n1,2\n3,"4\n5,6\n')).rejects.toMatchObject({
      violations: [{ field: 'file', reason: 'CSV_INVALID', description: expect.stringContaining('line 2') as string }],
    });
  });

  test('refuses a line or a quoted cell of more than 1 MiB and a header of more than 300 columns', async () => {
    await expect(read('text/csv', `a,b\n${','.repeat(3_000_000)}`)).rejects.toEqual(refusal('ROW_TOO_LARGE'));
    await expect(read('text/csv', `a,b\n1,"${'line\n'.repeat(300_000)}"`)).rejects.toEqual(refusal('CSV_INVALID'));
    await expect(read('text/csv', `${'a,'.repeat(300)}a\n`)).rejects.toEqual(refusal('TOO_MANY_COLUMNS'));
  });
});

describe('JSON', () => {
  test.each(['{"name":"x"}', '[{"a":1}', '[{"a":1},', '[', '[{"a":1}] x', '[,]', '[{"a":1}{"a":2}]', 'x'])(
    'refuses %s as a whole',
    async (text) => {
      await expect(read('application/json', text)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );

  test('accepts an empty array as a file without rows', async () => {
    expect(await read('application/json', ' [ ] ')).toEqual([]);
  });

  test.each(['application/json', 'application/x-ndjson'])(
    'of %s refuses rows that are too long, too deep or too wide, and continues after them',
    async (contentType) => {
      const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 301 }, (_, index) => [`c${index}`, 1])));
      const rows = [
        `{"a":"${'x'.repeat(3 * 1024 * 1024)}"}`,
        `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
        // With a number whose digits must be preserved.
        `{"a":${'['.repeat(100_000)}12345678901234567890${']'.repeat(100_000)}}`,
        wide,
        '{"a":1}',
      ];
      const text = contentType === 'application/json' ? `[${rows.join(',\n')}]` : rows.join('\n');
      expect(values(await read(contentType, text))).toEqual([
        [1, 'ROW_TOO_LARGE'],
        [2, 'NESTING_TOO_DEEP'],
        [3, 'NESTING_TOO_DEEP'],
        [4, 'TOO_MANY_COLUMNS'],
        [5, { a: 1 }],
      ]);
    },
  );
});

test('refuses any other content type', async () => {
  await expect(async () => read('application/xml', '<a/>')).rejects.toEqual(refusal('CONTENT_TYPE_UNSUPPORTED'));
});

describe('the start of a CSV file', () => {
  test('is read in linear time when it has no line end', async () => {
    const oneLine = `${'x'.repeat(1023)},`.repeat(1_000);

    expect(await read('text/csv', oneLine.slice(0, 190 * 1024))).toEqual([{ columns: expect.any(Array) as string[] }]);
  });

  test('may be blank, up to a limit', async () => {
    expect(await read('text/csv', `${' \n'.repeat(1_000)}a,b\n1,2\n`)).toHaveLength(2);
    await expect(read('text/csv', ' \n'.repeat(1_000_000))).rejects.toEqual(refusal('ROW_TOO_LARGE'));
  });
});

test('other work goes on while rows without any value are skipped', async () => {
  let turns = 0;
  const count = () => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const skipped = await read('text/csv', `name,email\n${',\n'.repeat(100_000)}`);
  clearImmediate(next);

  expect(skipped).toEqual([{ columns: ['name', 'email'] }]);
  expect(turns).toBeGreaterThanOrEqual(100);
});

test('characters of two units are whole wherever a long text is cut', async () => {
  const text = `name\n${'x'.repeat(7)}${'🎓'.repeat(20_000)}`;

  expect(values(await read('text/csv', text))).toEqual([['name'], [2, { name: text.slice('name\n'.length) }]]);
});
