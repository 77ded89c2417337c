/** The order of providers, and which of them a policy needs. */
import { expect, test } from "bun:test";
import type { FactName } from "../../../../lib/acl/facts.ts";
import { inOrder, needed, type Needing } from "../../../../lib/context/order.ts";

const provider = (name: string, key: FactName, ...facts: FactName[]): Needing => ({
  name,
  key: [key],
  targets: facts.map((fact) => ({ fact, type: "any", from: "x" })),
});
const names = (found: ReturnType<typeof inOrder>) => ("cycle" in found ? found : found.map(({ name }) => name));

const DEVICE = provider("device", "user.email", "device.id");
const RISK = provider("risk", "device.id", "risk.score");
const PEOPLE = provider("people", "client.user", "user.email", "user.groups");
const GEO = provider("geo", "client.ip", "geo.country");

test("one whose key another fills comes after it; the others stay as they are", () => {
  expect(names(inOrder([GEO, RISK, DEVICE, PEOPLE]))).toEqual(["geo", "people", "device", "risk"]);
  expect(names(inOrder([PEOPLE, GEO]))).toEqual(["people", "geo"]);
  expect(names(inOrder([]))).toEqual([]);
});

test("behind all that may fill it", () => {
  const more = provider("more", "client.cn", "user.email");
  expect(names(inOrder([DEVICE, more, PEOPLE]))).toEqual(["more", "people", "device"]);
});

test("a cycle is told by its names", () => {
  const a = provider("a", "user.email", "device.id");
  const b = provider("b", "device.id", "user.email");
  expect(inOrder([GEO, a, b])).toEqual({ cycle: ["a", "b"] });
  expect(inOrder([provider("self", "user.email", "user.email")])).toEqual({ cycle: ["self"] });
  const [x, y, z] = [
    provider("x", "user.a", "user.b"),
    provider("y", "user.c", "user.a"),
    provider("z", "user.b", "user.c"),
  ];
  expect(inOrder([DEVICE, x, y, z])).toEqual({ cycle: ["x", "y", "z"] });
});

test("needed are those that fill a fact that is asked for, and those that fill their keys", () => {
  const all = [PEOPLE, DEVICE, RISK, GEO];
  const found = (...wanted: FactName[]) => needed(all, wanted).map(({ name }) => name);
  expect(found()).toEqual([]);
  expect(found("host", "client.user")).toEqual([]);
  expect(found("user.groups")).toEqual(["people"]);
  expect(found("risk.score")).toEqual(["people", "device", "risk"]);
  expect(found("geo.country", "device.id")).toEqual(["people", "device", "geo"]);
});
