import { describe, expect, it } from 'vitest';
import { movedTo, placeOn, weekFrom, type Entry } from './entries.ts';

const monday = new Date('2026-11-23T00:00:00Z');

function entry(id: string, from: string, to: string, day = 23): Entry {
  const at = (time: string) => new Date(`2026-11-${day}T${time}:00`);
  return { id, kind: 'meetings', record: {}, title: id, start: at(from), end: at(to), isDone: false };
}

function tracks(entries: readonly Entry[]): string[] {
  return placeOn(monday, entries).map(({ entry: { id }, track, tracks: of }) => `${id} ${track}/${of}`);
}

describe('entries of a day', () => {
  it('share its width only with those at the same time', () => {
    const all = [entry('a', '09:00', '10:00'), entry('b', '09:30', '11:00'), entry('c', '10:00', '10:30')];
    expect(tracks([...all, entry('d', '11:00', '12:00')])).toEqual(['a 0/2', 'b 1/2', 'c 0/2', 'd 0/1']);
  });

  it('are as high as half an hour at least, and end with the day', () => {
    const late = { ...entry('b', '23:00', '23:30'), end: new Date('2026-11-24T02:00:00') };
    const placed = placeOn(monday, [entry('a', '09:00', '09:05'), late]);
    expect(placed.map(({ from, to }) => [from, to])).toEqual([
      [540, 570],
      [1_380, 1_440],
    ]);
    expect(placeOn(new Date('2026-11-24T00:00:00Z'), [late]).map(({ from, to }) => [from, to])).toEqual([[0, 120]]);
    expect(placeOn(monday, [entry('c', '09:00', '10:00', 24)])).toEqual([]);
  });

  it('keep their length when they are moved', () => {
    const moved = movedTo(entry('a', '09:00', '10:15'), new Date('2026-11-25T00:00:00Z'), 600);
    expect([moved.start, moved.end]).toEqual([new Date('2026-11-25T10:00:00'), new Date('2026-11-25T11:15:00')]);
  });
});

describe('a week', () => {
  it('begins with the day of the settings', () => {
    const days = ['MONDAY', 'SUNDAY', 'SATURDAY', ''].map((start) =>
      weekFrom(monday, start).toISOString().slice(0, 10),
    );
    expect(days).toEqual(['2026-11-23', '2026-11-22', '2026-11-21', '2026-11-23']);
  });
});
