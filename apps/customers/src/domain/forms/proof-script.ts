import { proofBits } from './form-tickets.js';

/**
 * The script of a page with proof of work, as its hash in the policy of the page allows it. It hashes by itself, since `crypto.subtle` is
 * absent on pages without TLS and slow for many short texts. SHA-256: FIPS 180-4, section 6.2; a text of a page fits into one block.
 */
export const proofScript = `'use strict';
{
  const form = document.querySelector('form[data-proof]');
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const fraction = (root) => (root - Math.floor(root)) * 0x100000000 | 0;
  const constants = primes.map((prime) => fraction(Math.cbrt(prime)));
  const start = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  const turn = (word, by) => word >>> by | word << 32 - by;
  const words = new Int32Array(64);
  const firstWord = (text) => {
    words.fill(0);
    for (let i = 0; i < text.length; i++) words[i >> 2] |= text.charCodeAt(i) << 24 - i % 4 * 8;
    words[text.length >> 2] |= 0x80 << 24 - text.length % 4 * 8;
    words[15] = text.length * 8;
    for (let i = 16; i < 64; i++) {
      const [a, b] = [words[i - 15], words[i - 2]];
      words[i] = words[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >>> 3) + words[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ b >>> 10);
    }
    let [a, b, c, d, e, f, g, h] = start;
    for (let i = 0; i < 64; i++) {
      const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + constants[i] + words[i] | 0;
      const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
    }
    return a + start[0] | 0;
  };
  const ticket = form.elements._ticket.value;
  const proof = form.elements._proof;
  let next = 0;
  const work = (most) => {
    for (const end = next + most; proof.value === '' && next < end; next++) {
      if (firstWord(ticket + ':' + next) >>> ${32 - proofBits} === 0) proof.value = next;
    }
  };
  const workOn = () => { work(2000); if (proof.value === '') setTimeout(workOn); };
  setTimeout(workOn);
  form.addEventListener('submit', () => work(Infinity));
}
`;
