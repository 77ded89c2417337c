/** Places are taken and given back, never more than the limits. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Places } from "../../../../lib/service/limits.ts";

describe("places", () => {
  test("in all: none is left at the limit, one is when one is given back", () => {
    const places = new Places({ total: 2, perClient: 0 });
    expect([places.take("a"), places.take("a"), places.take("b")]).toEqual([true, true, false]);
    expect(places.open).toBe(2);
    places.give("a");
    expect([places.take("b"), places.open]).toEqual([true, 2]);
  });

  test("of one client: others are not in its way", () => {
    const places = new Places({ total: 10, perClient: 1 });
    expect([places.take("a"), places.take("a"), places.take("b")]).toEqual([true, false, true]);
    places.give("a");
    expect(places.take("a")).toBe(true);
  });

  test("a refusal by the limit in all takes nothing of the client's own", () => {
    const places = new Places({ total: 1, perClient: 1 });
    places.take("a");
    expect(places.take("b")).toBe(false);
    places.give("a");
    expect(places.take("b")).toBe(true);
  });

  test("what others hold counts", () => {
    const places = new Places({ total: 3, perClient: 0 });
    expect([places.take("a", 2), places.take("a", 2), places.take("a", 1)]).toEqual([true, false, true]);
  });

  test("no sequence of taking and giving passes a limit or loses a place", () => {
    const actions = fc.array(fc.tuple(fc.boolean(), fc.constantFrom("a", "b", "c")), { maxLength: 60 });
    fc.assert(
      fc.property(actions, (sequence) => {
        const places = new Places({ total: 5, perClient: 2 });
        const held: string[] = [];
        for (const [take, client] of sequence) {
          const mine = held.filter((one) => one === client).length;
          if (take) {
            const expected = held.length < 5 && mine < 2;
            expect(places.take(client)).toBe(expected);
            if (expected) held.push(client);
          } else if (mine > 0) {
            places.give(client);
            held.splice(held.indexOf(client), 1);
          }
          expect(places.open).toBe(held.length);
        }
      }),
    );
  });
});
