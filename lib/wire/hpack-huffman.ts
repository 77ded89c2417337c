/** The Huffman code of HPACK (RFC 7541 appendix B), as far as it is needed here: decoding. */

/** Bits of each symbol's code, the last one EOS. The code is canonical: among codes of one length, symbols are in order. */
// prettier-ignore
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
  28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
  7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
  23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
  21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const EOS = 256;
/** Two entries a node, for bit 0 and bit 1: the next node, or the complement of a symbol. */
const TREE = buildTree();

function buildTree(): Int16Array {
  const tree = new Int16Array(2 * LENGTHS.length);
  let nodes = 1;
  let code = 0;
  let before = 0;
  const inOrder = LENGTHS.map((length, symbol) => ({ length, symbol })).sort(
    (a, b) => a.length - b.length || a.symbol - b.symbol,
  );
  for (const { length, symbol } of inOrder) {
    code *= 2 ** (length - before);
    before = length;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const at = 2 * node + ((code >>> bit) & 1);
      if (tree[at] === 0) tree[at] = nodes++;
      node = tree[at]!;
    }
    tree[2 * node + (code & 1)] = ~symbol;
    code++;
  }
  return tree;
}

/** The text, one character a byte; undefined for EOS within it and for padding that is not the beginning of EOS or too long. */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): string | undefined {
  // The shortest code has five bits.
  const text = Buffer.allocUnsafe(Math.ceil(((to - from) * 8) / 5));
  let length = 0;
  let node = 0;
  let pending = 0;
  let ones = true;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    for (let shift = 7; shift >= 0; shift--) {
      const bit = (byte >>> shift) & 1;
      const next = TREE[2 * node + bit]!;
      if (next < 0) {
        const symbol = ~next;
        if (symbol === EOS) return undefined;
        text[length++] = symbol;
        node = pending = 0;
        ones = true;
      } else {
        node = next;
        pending++;
        ones &&= bit === 1;
      }
    }
  }
  return pending > 7 || !ones ? undefined : text.toString("latin1", 0, length);
}
