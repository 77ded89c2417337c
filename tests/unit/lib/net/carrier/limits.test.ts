/** When a carried connection is handed over, ended or probed. */
import { expect, test } from "bun:test";
import { Asking } from "../../../../../lib/net/carrier/asking.ts";
import { Carried } from "../../../../../lib/net/carrier/carried.ts";
import { dueFor, lookEvery } from "../../../../../lib/net/carrier/limits.ts";
import type { CarrierSettings } from "../../../../../lib/net/carrier/messages.ts";
import { beginDialogue } from "../../../../../lib/session/proxy-dialogue.ts";

const NONE: CarrierSettings = {
  idle: 0,
  lifetime: 0,
  halfClosed: 0,
  answer: 5000,
  most: 9,
  probeAfter: 0,
  named: false,
};
const AT = 100_000;

function carried(change: Partial<Carried> = {}): Carried {
  return Object.assign(new Carried(1, 0, 7, new Uint8Array(16), AT, 1), change);
}

const open = (change: Partial<Carried> = {}) => carried({ open: true, ...change });
const preface = () =>
  new Asking(beginDialogue({ protocol: "http", target: { host: "a.example", port: 1 }, credentials: undefined }));

test.each([
  ["not connected yet", carried(), 999, {}, undefined],
  ["not connected for long", carried(), 1000, {}, "hand_over"],
  ["a proxy has its own time", carried({ asking: preface() }), 4999, {}, undefined],
  ["and no more", carried({ asking: preface() }), 5000, {}, "hand_over"],
  ["without limits", open(), 1e9, {}, undefined],
  ["still", open(), 60, { idle: 60 }, "idle"],
  ["still, but not for so long", open({ movedAt: AT + 1 }), 60, { idle: 60 }, undefined],
  ["old", open({ movedAt: AT + 60 }), 60, { idle: 60, lifetime: 60 }, "lifetime"],
  ["half closed", open({ halfClosed: AT + 1, movedAt: AT + 60 }), 61, { halfClosed: 60 }, "half_closed"],
  ["young", open(), 9999, { probeAfter: 5 }, undefined],
  ["to be probed", open(), 10_000, { probeAfter: 5 }, "probe"],
  ["probed already", open({ probed: true }), 10_000, { probeAfter: 5 }, undefined],
] as const)("%s", (_, one, age, limits, due) => {
  expect(dueFor(one, AT + age, { ...NONE, ...limits })).toBe(due as ReturnType<typeof dueFor>);
});

test("looks often enough for the shortest limit, and not more often than is worth it", () => {
  expect(lookEvery(NONE)).toBe(500);
  expect(lookEvery({ ...NONE, idle: 100 })).toBe(50);
  expect(lookEvery({ ...NONE, lifetime: 1 })).toBe(10);
});
