import { describe, expect, it } from 'vitest';
import { dueOf, taskOf } from './quick-add.ts';

// A Thursday.
const today = new Date('2026-11-26T00:00:00Z');
const words = {
  today: 'today',
  tomorrow: 'tomorrow',
  weekdays: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].map((name) => [name]),
};

function read(line: string): object {
  const { day, ...rest } = taskOf(line, today, words);
  return { ...rest, day: day.toISOString().slice(0, 10) };
}

describe('a line', () => {
  it('is a task of today, unless its end says another day, a time, or how urgent it is', () => {
    expect(read('Call Ada')).toEqual({ subject: 'Call Ada', day: '2026-11-26' });
    expect(read('Call Ada tomorrow 9:30')).toEqual({ subject: 'Call Ada', day: '2026-11-27', minutes: 570 });
    expect(read('Call Ada !! Fri')).toEqual({ subject: 'Call Ada', day: '2026-11-27', priority: 'URGENT' });
    expect(read('Call Ada +10 !')).toEqual({ subject: 'Call Ada', day: '2026-12-06', priority: 'HIGH' });
    expect(read('Call Ada 2027-01-05')).toEqual({ subject: 'Call Ada', day: '2027-01-05' });
  });

  it('names the next such weekday, which is in a week if it is today', () => {
    expect(read('Report thu')).toMatchObject({ day: '2026-12-03' });
    expect(read('Report mon')).toMatchObject({ day: '2026-11-30' });
  });

  it('keeps words of its subject, also those that it says twice', () => {
    expect(read('tomorrow')).toEqual({ subject: 'tomorrow', day: '2026-11-26' });
    expect(read('Ask about tomorrow fri')).toEqual({ subject: 'Ask about tomorrow', day: '2026-11-27' });
    expect(read('Fix Monday 10:00 train delay')).toMatchObject({ subject: 'Fix Monday 10:00 train delay' });
  });

  it('is due on a day in the zone of the reader, or at a moment', () => {
    expect(dueOf(taskOf('Call fri', today, words), 'Asia/Shanghai')).toEqual({
      dueDate: '2026-11-27',
      timeZone: 'Asia/Shanghai',
    });
    expect(dueOf(taskOf('Call fri 15:00', today, words), 'UTC')).toEqual({
      dueTime: new Date(2026, 10, 27, 15).toISOString(),
    });
  });
});
