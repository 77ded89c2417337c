/** Lines of samples: where they go, and that they are short. */
import { expect, test } from "bun:test";
import { sparkline } from "../../../../lib/status/sparkline.ts";

const paths = (samples: number[], length = samples.length) =>
  [...sparkline(samples, length, "x", true).markup.matchAll(/ d="([^"]*)"/g)].map(([, path]) => path);

/** Where a path goes: the heights by their places. */
function heights(path: string): Map<number, number> {
  const [, x, y, rest] = /^M(\d+) (\d+)(.*)$/.exec(path)!;
  let [at, height] = [Number(x), Number(y)];
  const all = new Map([[at, height]]);
  for (const [, flat, step] of rest!.matchAll(/h(\d+)|l1 (-?\d+)/g)) {
    if (flat !== undefined) for (let i = 0; i < Number(flat); i++) all.set(++at, height);
    else all.set(++at, (height += Number(step)));
  }
  return all;
}

test("one sample, or none, is no line", () => {
  expect(paths([])).toEqual([]);
  expect(paths([1])).toEqual([]);
});

test("the largest is at the top, zero at the bottom, the newest at the right edge", () => {
  const samples = Array.from({ length: 20 }, (_, i) => (i < 10 ? 0 : i === 15 ? 1000 : 500));
  const line = heights(paths(samples, 40)[1]!);
  expect([...line.keys()]).toEqual(Array.from({ length: 20 }, (_, i) => 20 + i));
  expect(line.get(20)).toBe(29);
  expect(line.get(29)).toBe(29);
  expect(line.get(35)).toBe(1);
  expect(line.get(39)).toBe(15);
});

test("nothing at all lies at the bottom, in a few bytes", () => {
  const [shade, line] = paths(Array(120).fill(0));
  expect(line).toBe("M0 29h119");
  expect(shade).toBe(`${line}V30H0z`);
});

test("what it is called is text", () => {
  expect(sparkline([], 0, `"><script>`, false).markup).toContain('aria-label="&quot;&gt;&lt;script&gt;"');
});
