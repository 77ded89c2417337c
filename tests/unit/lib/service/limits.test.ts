/** Places are taken and given back, never more than the limits. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Places } from "../../../../lib/service/limits.ts";

const of = (client: string, user = "") => ({ client, user });

describe("places", () => {
  test("in all: none is left at the limit, one is when one is given back", () => {
    const places = new Places({ total: 2, perClient: 0, perUser: 0 });
    expect([places.take(of("a")), places.take(of("a")), places.take(of("b"))]).toEqual([true, true, false]);
    expect(places.open).toBe(2);
    places.give(of("a"));
    expect([places.take(of("b")), places.open]).toEqual([true, 2]);
  });

  test("of one client: others are not in its way", () => {
    const places = new Places({ total: 10, perClient: 1, perUser: 0 });
    expect([places.take(of("a")), places.take(of("a")), places.take(of("b"))]).toEqual([true, false, true]);
    places.give(of("a"));
    expect(places.take(of("a"))).toBe(true);
  });

  test("of one user: from whatever address, and nobody is not one", () => {
    const places = new Places({ total: 10, perClient: 2, perUser: 1 });
    expect([places.take(of("a", "ann")), places.take(of("b", "ann")), places.take(of("a", "bob"))]).toEqual([
      true,
      false,
      true,
    ]);
    expect([places.take(of("b")), places.take(of("b")), places.take(of("b"))]).toEqual([true, true, false]);
    places.give(of("a", "ann"));
    expect([places.take(of("c", "ann")), places.take(of("a", "ann")), places.open]).toEqual([true, false, 4]);
  });

  test("a refusal by the limit in all takes nothing of the client's own", () => {
    const places = new Places({ total: 1, perClient: 1, perUser: 0 });
    places.take(of("a"));
    expect(places.take(of("b"))).toBe(false);
    places.give(of("a"));
    expect(places.take(of("b"))).toBe(true);
  });

  test("what others hold counts", () => {
    const places = new Places({ total: 3, perClient: 0, perUser: 0 });
    expect([places.take(of("a"), 2), places.take(of("a"), 2), places.take(of("a"), 1)]).toEqual([true, false, true]);
  });

  test("no sequence of taking and giving passes a limit or loses a place", () => {
    const actions = fc.array(fc.tuple(fc.boolean(), fc.constantFrom("a", "b", "c")), { maxLength: 60 });
    fc.assert(
      fc.property(actions, (sequence) => {
        const places = new Places({ total: 5, perClient: 2, perUser: 0 });
        const held: string[] = [];
        for (const [take, client] of sequence) {
          const mine = held.filter((one) => one === client).length;
          if (take) {
            const expected = held.length < 5 && mine < 2;
            expect(places.take(of(client))).toBe(expected);
            if (expected) held.push(client);
          } else if (mine > 0) {
            places.give(of(client));
            held.splice(held.indexOf(client), 1);
          }
          expect(places.open).toBe(held.length);
        }
      }),
    );
  });
});
