/** Ranges of objects in parts: what is fetched for them is what they need, and opens to what they are. */
import { expect, test } from "bun:test";
import { Layout, PART_FRONT } from "../../../../../commands/s3crypt/object/layout.ts";
import { PartsOpener } from "../../../../../commands/s3crypt/object/parts.ts";
import { createPrng } from "../../../../adversarial/prng.ts";
import { content, ENGINES, keyOf, S } from "../../../../support/s3crypt.ts";
import { joined, KEY_ID, layoutOf, makePart, OBJECT_ID } from "../../../../support/s3crypt-parts.ts";

const [, engine] = ENGINES.at(-1)!;
const plains = [0, 2 * S, 1, S - 1, 0, 3 * S + 5, S].map((size, i) => content(size, 7 + i));
const parts = plains.map((plain, i) => makePart(engine, i + 1, plain, i + 1));
const plain = Buffer.concat(plains);
const object = joined(parts);
const layout = layoutOf(parts);

/** The range, from the bytes that it needs alone. */
function read(start: number, end: number): { bytes: Buffer; fetched: number } {
  const { index, chunk, needsFront, from, to, skip } = layout.needed(start, end);
  const opener = new PartsOpener(engine, { objectId: OBJECT_ID, keyId: BigInt(KEY_ID), key: keyOf(KEY_ID) }, layout);
  const { at } = layout.parts[index]!;
  opener.begin(index, chunk, needsFront ? object.subarray(at, at + PART_FRONT) : undefined);
  const opened = Buffer.from(opener.push(object.subarray(from, to)));
  return { bytes: opened.subarray(skip, skip + end - start), fetched: to - from };
}

test("its sizes are those of the object", () => {
  expect(layout).toMatchObject({ sealed: object.length, plain: plain.length, proven: true });
});

test("ranges with both ends at every place that may differ, and at random", () => {
  const places = layout.parts.flatMap(({ plainAt }) => [plainAt, plainAt + S]).flatMap((at) => [at - 1, at, at + 1]);
  const within = [...new Set([...places, 0, plain.length])].filter((at) => at >= 0 && at <= plain.length);
  const random = createPrng(1);
  const pairs = within.flatMap((start) => within.map((end) => [start, end] as const));
  for (let i = 0; i < 1000; i++) pairs.push([random.below(plain.length), random.below(plain.length)]);
  const ranges = pairs.filter(([start, end]) => start < end);
  expect(ranges.length).toBeGreaterThan(500);
  for (const [start, end] of ranges) {
    const { bytes, fetched } = read(start, end);
    if (!bytes.equals(plain.subarray(start, end))) throw new Error(`${start} to ${end}`);
    // No more than the chunks at both ends, and what each part adds.
    expect(fetched).toBeLessThan(end - start + 2 * S + 16 * Math.ceil((end - start) / S + 2) + 7 * (PART_FRONT + 16));
  }
});

test("a part with nothing in it alone", () => {
  expect(new Layout(OBJECT_ID, 0n, true, [{ number: 1, plain: 0 }])).toMatchObject({ plain: 0, sealed: 232 });
});
