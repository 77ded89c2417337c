/** The CRC of two texts in a row from the CRCs of each: what S3 calls a full-object checksum of parts. Sees no text. */

/** A reflected polynomial of degree `width`, without its highest term. */
interface Modulus {
  width: 32 | 64;
  high: number;
  low: number;
}

/** Half of a polynomial each; the coefficient of x^0 is the highest bit of `width`. */
interface Polynomial {
  high: number;
  low: number;
}

export type CombinedCrc = keyof typeof MODULI;

const MODULI = {
  CRC32: { width: 32, high: 0, low: 0xedb8_8320 },
  CRC32C: { width: 32, high: 0, low: 0x82f6_3b78 },
  CRC64NVME: { width: 64, high: 0x9a6c_9329, low: 0xac4b_c9b5 },
} as const satisfies Record<string, Modulus>;

/** Of 2^53 bytes, in bits. */
const POWERS = 56;

/** By algorithm, x^(2^k) at k. */
const SQUARES = new Map<CombinedCrc, Polynomial[]>();

/**
 * The checksum of the first text with the second behind it, big-endian as both. `length` is that of the second in
 * bytes, a safe integer. Appending n bytes multiplies a remainder by x^(8n), so no byte is read; at most 56
 * multiplications of `width` steps.
 */
export function combineCrc(algorithm: CombinedCrc, first: Uint8Array, second: Uint8Array, length: number): Uint8Array {
  const modulus = MODULI[algorithm];
  const squares = squaresOf(algorithm);
  let product = read(first);
  let rest = length;
  for (let k = 3; rest > 0; k++) {
    if (rest % 2 === 1) product = multiply(squares[k]!, product, modulus);
    rest = Math.floor(rest / 2);
  }
  const other = read(second);
  return write({ high: product.high ^ other.high, low: product.low ^ other.low }, modulus.width);
}

function squaresOf(algorithm: CombinedCrc): Polynomial[] {
  const known = SQUARES.get(algorithm);
  if (known !== undefined) return known;
  const modulus = MODULI[algorithm];
  const x = modulus.width === 64 ? { high: 1 << 30, low: 0 } : { high: 0, low: 1 << 30 };
  const squares = [x];
  while (squares.length <= POWERS) squares.push(multiply(squares.at(-1)!, squares.at(-1)!, modulus));
  SQUARES.set(algorithm, squares);
  return squares;
}

/** a times b, modulo the polynomial: for each term of `a`, from x^0 up, `b` is added and then multiplied by x. */
function multiply(a: Polynomial, b: Polynomial, { width, high: mHigh, low: mLow }: Modulus): Polynomial {
  let { high, low } = b;
  let sumHigh = 0;
  let sumLow = 0;
  for (let term = width - 1; term >= 0; term--) {
    if (((term >= 32 ? a.high >>> (term - 32) : a.low >>> term) & 1) === 1) {
      sumHigh ^= high;
      sumLow ^= low;
    }
    const odd = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (odd === 1) {
      high ^= mHigh;
      low ^= mLow;
    }
  }
  return { high: sumHigh, low: sumLow };
}

function read(bytes: Uint8Array): Polynomial {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.length === 8 ? { high: view.getInt32(0), low: view.getInt32(4) } : { high: 0, low: view.getInt32(0) };
}

function write({ high, low }: Polynomial, width: 32 | 64): Uint8Array {
  const bytes = new Uint8Array(width / 8);
  const view = new DataView(bytes.buffer);
  if (width === 64) view.setInt32(0, high);
  view.setInt32(bytes.length - 4, low);
  return bytes;
}
