/** Colours of single points of a PNG as Chromium writes it: 8 bits, RGB or RGBA, not interlaced (PNG, sections 5 and 9). */
import { inflateSync } from "node:zlib";

/** Each as six hex digits. */
export function pngColors(png: Uint8Array, points: readonly (readonly [x: number, y: number])[]): string[] {
  const view = Buffer.from(png);
  const width = view.readUInt32BE(16);
  const height = view.readUInt32BE(20);
  const [depth, type, , , interlace] = view.subarray(24, 29);
  if (depth !== 8 || (type !== 2 && type !== 6) || interlace !== 0) throw new Error("a PNG of another kind");
  const size = type === 6 ? 4 : 3;
  const data: Buffer[] = [];
  for (let at = 8; at < view.length; at += 12 + view.readUInt32BE(at)) {
    if (view.toString("latin1", at + 4, at + 8) === "IDAT")
      data.push(view.subarray(at + 8, at + 8 + view.readUInt32BE(at)));
  }
  const pixels = unfilter(inflateSync(Buffer.concat(data)), width * size, height, size);
  return points.map(([x, y]) => pixels.toString("hex", (y * width + x) * size, (y * width + x) * size + 3));
}

function unfilter(raw: Buffer, stride: number, height: number, size: number): Buffer {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]!;
    for (let i = 0; i < stride; i++) {
      const left = i >= size ? out[y * stride + i - size]! : 0;
      const up = y > 0 ? out[(y - 1) * stride + i]! : 0;
      const corner = y > 0 && i >= size ? out[(y - 1) * stride + i - size]! : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      out[y * stride + i] = raw[y * (stride + 1) + 1 + i]! + guess;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
