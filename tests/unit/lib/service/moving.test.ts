/** Bytes of what is open. */
import { expect, test } from "bun:test";
import { Moving } from "../../../../lib/service/moving.ts";

test("as long as it is", () => {
  const moving = new Moving();
  const [a, b] = [1, 10].map((n) => ({ client: { received: n }, target: { received: n * 2 } }));
  moving.begin(a!);
  moving.begin(b!);
  a!.client.received = 5;
  expect([moving.sent, moving.received]).toEqual([15, 22]);
  moving.end(a!);
  expect([moving.sent, moving.received]).toEqual([10, 20]);
  moving.end(b!);
  moving.end(b!);
  expect([moving.sent, moving.received]).toEqual([0, 0]);
});
