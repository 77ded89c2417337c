/** `fr.gouv.portail.Control` over backends that only pretend: what each method does to them, and each of its errors. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { AccessContext } from "../../../../commands/socks/control-access.ts";
import type {
  BackendSpec,
  ControlledBackend,
  ControlledBackends,
} from "../../../../commands/socks/control-backends.ts";
import { referenceInterface } from "../../../../commands/socks/control-reference.ts";
import type { AuditEvent } from "../../../../lib/audit/event.ts";
import type { JsonObject } from "../../../../lib/wire/varlink.ts";

class FakeBackend implements ControlledBackend {
  readonly updates: BackendSpec[] = [];
  tls = false;
  serverName: string | undefined;
  constructor(
    readonly name: string,
    readonly dynamic: boolean,
    public target: string | undefined,
  ) {}
  update(spec: BackendSpec): void {
    this.updates.push(spec);
    this.target = spec.target;
    this.tls = spec.tls;
    this.serverName = spec.serverName;
  }
}

const F = "fr.gouv.portail.Control";
let fixed: FakeBackend;
let moving: FakeBackend;
let backends: ControlledBackends;
let audit: AuditEvent[];

beforeEach(() => {
  fixed = new FakeBackend("fixed", false, "192.0.2.1:1080");
  moving = new FakeBackend("moving", true, undefined);
  backends = { all: new Map([fixed, moving].map((one) => [one.name, one])), default: undefined };
  audit = [];
});

async function call(method: string, parameters: JsonObject = {}, caller = { uid: 0, gid: 0 }) {
  const log = { debug() {}, info() {}, warn() {}, error() {}, writes: () => true, configure() {} };
  const groups = { trusted: new Set([100]), admin: new Set([200]) };
  const context: AccessContext = { groups: () => groups, log, record: (event) => audit.push(event) };
  const { methods } = referenceInterface(context, () => backends);
  const asked = {
    method: `${F}.${method}`,
    parameters,
    more: false,
    caller: { pid: 1, groups: [caller.gid], ...caller },
  };
  return (await methods[method]!(asked)) as { parameters?: JsonObject; error?: string };
}

describe("the default backend", () => {
  test("is a sentinel, a name, and the sentinel again", async () => {
    expect(await call("GetCurrentBackend")).toEqual({ parameters: { backend_id: "<none>" } });
    expect(await call("SetDefaultBackend", { backend_id: "fixed" })).toEqual({ parameters: {} });
    expect(await call("GetCurrentBackend")).toEqual({ parameters: { backend_id: "fixed" } });
    expect(await call("SetDefaultBackend", { backend_id: null })).toEqual({ parameters: {} });
    expect(backends.default).toBeUndefined();
  });

  test("is one that there is", async () => {
    expect(await call("SetDefaultBackend", { backend_id: "fixd" })).toEqual({
      error: `${F}.BackendNotFound`,
      parameters: { provided_backend: "fixd", available_backends: ["fixed", "moving"] },
    });
    expect(backends.default).toBeUndefined();
  });

  test("is for the trusted, and admins are not among them by that", async () => {
    expect(await call("SetDefaultBackend", { backend_id: "fixed" }, { uid: 5, gid: 200 })).toEqual({
      error: `${F}.PermissionDenied`,
    });
    expect(backends.default).toBeUndefined();
    expect(await call("SetDefaultBackend", { backend_id: "fixed" }, { uid: 5, gid: 100 })).toEqual({ parameters: {} });
    expect(audit).toMatchObject([
      { event: "control", uid: 5, outcome: "denied", subject: "fixed", error: `${F}.PermissionDenied` },
      { event: "control", uid: 5, outcome: "done", subject: "fixed" },
    ]);
  });
});

describe("a dynamic backend", () => {
  const spec = { target_address: "192.0.2.9:443", identity_aware: true, tls_server_name: "hub.test" };

  test("leads nowhere, then where it is told", async () => {
    expect(await call("UpdateDynamicBackend", { backend_id: "moving", backend_spec: spec })).toEqual({
      parameters: {},
    });
    expect(moving.updates).toEqual([{ target: "192.0.2.9:443", tls: true, serverName: "hub.test" }]);
    backends.default = "moving";
    expect(await call("ListBackends")).toEqual({
      parameters: {
        backends: [
          {
            id: "fixed",
            current: false,
            dynamic: false,
            spec: { target_address: "192.0.2.1:1080", identity_aware: false },
          },
          { id: "moving", current: true, dynamic: true, spec },
        ],
      },
    });
  });

  test("that leads nowhere yet has no spec", async () => {
    const { parameters } = await call("ListBackends");
    expect((parameters!["backends"] as JsonObject[])[1]).toEqual({ id: "moving", current: false, dynamic: true });
  });

  test.each([
    ["a static one", "fixed", spec, `${F}.ImmutableBackend`],
    ["one that is not there", "gone", spec, `${F}.BackendNotFound`],
    ["a name for an address", "moving", { ...spec, target_address: "hub.test:1" }, `${F}.InvalidBackend`],
    ["no port", "moving", { ...spec, target_address: "192.0.2.1" }, `${F}.InvalidBackend`],
    ["port 0", "moving", { ...spec, target_address: "192.0.2.1:0" }, `${F}.InvalidBackend`],
    ["a port too large", "moving", { ...spec, target_address: "192.0.2.1:65536" }, `${F}.InvalidBackend`],
    ["IPv6 without brackets", "moving", { ...spec, target_address: "2001:db8::1:1" }, `${F}.InvalidBackend`],
    ["a server name that is none", "moving", { ...spec, tls_server_name: "a b" }, `${F}.InvalidBackend`],
    ["a field that nobody knows", "moving", { ...spec, tls: true }, "org.varlink.service.InvalidParameter"],
    ["a field too few", "moving", { target_address: "192.0.2.1:1" }, "org.varlink.service.InvalidParameter"],
  ])("is not changed for %s", async (_, id, given, error) => {
    expect((await call("UpdateDynamicBackend", { backend_id: id, backend_spec: given })).error).toBe(error);
    expect([...fixed.updates, ...moving.updates]).toEqual([]);
  });

  test("is for admins, and the trusted are not among them", async () => {
    const parameters = { backend_id: "moving", backend_spec: spec };
    expect((await call("UpdateDynamicBackend", parameters, { uid: 5, gid: 100 })).error).toBe(`${F}.PermissionDenied`);
    expect((await call("UpdateDynamicBackend", parameters, { uid: 5, gid: 200 })).error).toBeUndefined();
  });

  test("over IPv6", async () => {
    const given = { target_address: "[2001:db8::9]:1080", identity_aware: false };
    expect(await call("UpdateDynamicBackend", { backend_id: "moving", backend_spec: given })).toEqual({
      parameters: {},
    });
    expect(moving.target).toBe("[2001:db8::9]:1080");
  });
});
