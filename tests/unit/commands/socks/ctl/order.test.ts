/** What each error of the proxy means to who gives an order: words, code and exit status. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { order, tableText } from "../../../../../commands/socks/ctl/order.ts";
import type { VarlinkAnswer } from "../../../../../lib/service/varlink-interface.ts";
import { openVarlink, type VarlinkListener } from "../../../../../lib/service/varlink.ts";
import { Scene } from "../../../../support/scene.ts";
import { fakeRuntime } from "../../../../adversarial/harness.ts";

const scene = new Scene();
let listener: VarlinkListener;
let answer: VarlinkAnswer;

beforeAll(async () => {
  const methods = { Drain: () => answer };
  const service = { name: "dev.portail.Control", description: "", methods };
  const info = { vendor: "", product: "", version: "", url: "" };
  const options = { info, interfaces: [service], log: fakeRuntime().log, mode: 0o600 };
  listener = await openVarlink({ kind: "unix", path: scene.path("socket") }, {}, options);
});
afterAll(() => {
  listener.close();
  return scene.close();
});

const ask = (method = "Drain", control = `unix:${scene.path("socket")}`) =>
  order({ control }, { method: `dev.portail.Control.${method}`, parameters: {} });

const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (reason: unknown) => reason,
  );

test("a reply is its parameters", async () => {
  answer = { parameters: { open: 3 } };
  expect(await ask()).toEqual({ open: 3 });
});

test.each([
  ["dev.portail.Control.PermissionDenied", {}, 77, "control.permission_denied"],
  ["fr.gouv.portail.Control.PermissionDenied", {}, 77, "control.permission_denied"],
  ["dev.portail.Control.ConnectionNotFound", { session: "s" }, 1, "control.not_found"],
  [
    "fr.gouv.portail.Control.BackendNotFound",
    { provided_backend: "b", available_backends: ["a"] },
    1,
    "control.not_found",
  ],
  ["fr.gouv.portail.Control.ImmutableBackend", {}, 1, "control.immutable"],
  ["fr.gouv.portail.Control.InvalidBackend", { reason: "no" }, 65, "control.invalid"],
  ["dev.portail.Control.InvalidRequest", { reason: "no" }, 65, "control.invalid"],
  ["org.varlink.service.InvalidParameter", { parameter: "x" }, 65, "control.invalid"],
  ["org.varlink.service.MethodNotFound", { method: "X" }, 69, "control.unknown_method"],
  ["some.other.Error", {}, 69, "control.failed"],
])("%s", async (error, parameters, exit, code) => {
  answer = { error, parameters };
  expect(await failure(ask())).toMatchObject({ exit, code });
});

test("several replies where one was asked for, and none at all", async () => {
  answer = { replies: [{ a: 1 }][Symbol.iterator]() as Iterator<{ a: number }, { a: number }> };
  expect(await failure(ask())).toMatchObject({ exit: 69, code: "control.broken" });
  const nobody = await failure(ask("Drain", `unix:${scene.path("nobody")}`));
  expect(nobody).toMatchObject({ exit: 69, code: "control.unreachable" });
  expect(await failure(ask("Drain", "127.0.0.1:1"))).toMatchObject({ exit: 64 });
});

test("a table is as wide as its cells", () => {
  expect(tableText(["A", "LONG"], [["xyz", "1"]])).toBe("A    LONG\nxyz  1\n");
  expect(tableText(["A", "B"], [])).toBe("A  B\n");
});
