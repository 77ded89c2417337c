/** When a place that failed is left alone, and how it is tried again. */
import { expect, test } from "bun:test";
import { Circuit } from "../../../../lib/net/circuit.ts";

function failing(times: number, at = 0): Circuit {
  const circuit = new Circuit();
  for (let i = 0; i < times; i++) {
    expect(circuit.enter(at)).toBe(true);
    circuit.failed(at);
  }
  return circuit;
}

test("two failures change nothing, the third opens it", () => {
  expect(failing(2).enter(0)).toBe(true);
  const circuit = failing(3);
  expect([circuit.isOpen(0), circuit.enter(0), circuit.enter(999)]).toEqual([true, false, false]);
});

test("a success in between starts the count anew", () => {
  const circuit = failing(2);
  circuit.succeeded();
  circuit.failed(0);
  circuit.failed(0);
  expect(circuit.enter(0)).toBe(true);
});

test("past the pause one may try, and the others wait for what comes of it", () => {
  const circuit = failing(3);
  expect([circuit.enter(1000), circuit.enter(1000)]).toEqual([true, false]);
  circuit.succeeded();
  expect([circuit.isOpen(1000), circuit.enter(1000), circuit.enter(1000)]).toEqual([false, true, true]);
});

test("each probe that fails doubles the pause, to a minute at most", () => {
  const circuit = failing(3);
  let now = 1000;
  for (const pause of [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
    expect(circuit.enter(now)).toBe(true);
    circuit.failed(now);
    expect(circuit.enter(now + pause - 1)).toBe(false);
    now += pause;
  }
});

test("failures of attempts that began before it opened do not prolong it", () => {
  const circuit = failing(3);
  circuit.failed(900);
  circuit.failed(900);
  expect(circuit.enter(1000)).toBe(true);
});

test("a probe that was given up leaves the next one to be tried", () => {
  const circuit = failing(3);
  expect(circuit.enter(1000)).toBe(true);
  circuit.abandoned();
  expect(circuit.enter(1000)).toBe(true);
});
