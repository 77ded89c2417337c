/** `--control`: who may call what, by the ids that the system vouches for, with a Varlink client that is not ours, as other users. */
import { existsSync, statSync } from "node:fs";
import { beforeAll, describe, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { scenario } from "../../support/scenario.ts";
import { VarlinkLibrary, type Caller } from "../../support/varlink-library.ts";

/** Numbers that no group of this machine needs to have. */
const TRUSTED = 43_210;
const ADMIN = 43_211;
const OTHER = 43_212;

const CALLERS: [who: string, caller: Caller | undefined, rights: readonly string[]][] = [
  ["root", undefined, ["trusted", "admin"]],
  ["a user whose primary group is trusted", { uid: 12_345, gid: TRUSTED }, ["trusted"]],
  ["a user in a trusted group besides", { uid: 12_345, gid: OTHER, groups: [OTHER + 1, TRUSTED] }, ["trusted"]],
  ["a user whose primary group is of admins", { uid: 12_345, gid: ADMIN }, ["admin"]],
  ["a user in a group of admins besides", { uid: 12_345, gid: OTHER, groups: [ADMIN] }, ["admin"]],
  ["a user in both", { uid: 12_345, gid: TRUSTED, groups: [ADMIN] }, ["trusted", "admin"]],
  ["a user in over sixty-four other groups", { uid: 12_345, gid: OTHER, groups: manyAnd(ADMIN) }, ["admin"]],
  ["any other user", { uid: 12_345, gid: OTHER, groups: [OTHER + 1] }, []],
  ["a user whose id is the number of a group with rights", { uid: ADMIN, gid: OTHER }, []],
];

function manyAnd(last: number): number[] {
  return [...Array.from({ length: 100 }, (_, i) => 50_000 + i), last];
}

const F = "fr.gouv.portail.Control";
const D = "dev.portail.Control";

/** Who may, by the right; `error` is what a call that is let through ends with here. */
const METHODS: [method: string, rights: readonly string[] | "anyone", parameters: object, error: string | undefined][] =
  [
    [`${F}.GetCurrentBackend`, "anyone", {}, undefined],
    [`${F}.ListBackends`, "anyone", {}, undefined],
    [`${F}.SetDefaultBackend`, ["trusted"], { backend_id: null }, undefined],
    [
      `${F}.UpdateDynamicBackend`,
      ["admin"],
      { backend_id: "none", backend_spec: { target_address: "192.0.2.1:1", identity_aware: false } },
      `${F}.BackendNotFound`,
    ],
    [`${D}.ListBackends`, "anyone", {}, undefined],
    [`${D}.ListConnections`, ["trusted", "admin"], {}, undefined],
    [`${D}.ExplainRequest`, ["trusted", "admin"], { host: "127.0.0.1", port: 1 }, undefined],
    [`${D}.CloseConnection`, ["admin"], { session: "none" }, `${D}.ConnectionNotFound`],
    [`${D}.Reload`, ["admin"], {}, undefined],
  ];

scenario(import.meta.file, ["go", "setpriv"], ({ scene, portail }) => {
  let proxy: AccessProxy;
  let library: VarlinkLibrary;
  let path: string;
  const groups = [`--control-trusted-group=${TRUSTED}`, `--control-admin-group=${ADMIN}`];
  beforeAll(async () => {
    path = scene.path("control");
    proxy = await portail.socks({ policy: allowLocal(1), args: ["--control", `unix:${path}`, ...groups] });
    library = await VarlinkLibrary.open(scene, path);
  }, 300_000);

  describe.each(CALLERS)("%s", (_, caller, mine) => {
    test.each(METHODS)("calls %s", async (method, rights, parameters, error) => {
      proxy.forget();
      const allowed = caller === undefined || rights === "anyone" || rights.some((right) => mine.includes(right));
      const denied = `${method.slice(0, method.lastIndexOf("."))}.PermissionDenied`;
      const reply = await library.call(method, parameters, caller);
      expect(reply.error).toBe(allowed ? error : denied);
      if (rights === "anyone") return;
      const line = await proxy.record("control", (one) => one.method === method);
      const { uid = 0, gid = 0 } = caller ?? {};
      expect(line).toMatchObject({ uid, gid, outcome: !allowed ? "denied" : error === undefined ? "done" : "failed" });
      expect(proxy.program.stderr).toContain(`method=${method} uid=${uid}`);
    });
  });

  test("nobody but root and the admins can end it", async () => {
    for (const [, caller, mine] of CALLERS) {
      if (caller === undefined || mine.includes("admin")) continue;
      expect(await library.call(`${D}.Drain`, {}, caller)).toMatchObject({ error: `${D}.PermissionDenied` });
    }
    expect(proxy.program.running).toBe(true);
  });

  test("its definitions are understood by the parser of that client", async () => {
    const { interfaces } = await library.info();
    expect(interfaces).toEqual(["org.varlink.service", F, D]);
    expect(await library.describe("org.varlink.service")).toMatchObject({
      methods: { GetInterfaceDescription: ["interface", "->", "description"] },
    });
    expect(await library.describe(F)).toEqual({
      name: F,
      methods: {
        SetDefaultBackend: ["backend_id", "->"],
        GetCurrentBackend: ["->", "backend_id"],
        ListBackends: ["->", "backends"],
        UpdateDynamicBackend: ["backend_id", "backend_spec", "->"],
      },
      errors: ["BackendNotFound", "ImmutableBackend", "InvalidBackend", "PermissionDenied"],
      types: ["BackendItem", "BackendSpec"],
    });
    const { methods, errors } = await library.describe(D);
    expect(Object.keys(methods).toSorted()).toEqual(
      [...METHODS.map(([name]) => name), `${D}.Drain`]
        .flatMap((name) => (name.startsWith(D) ? [name.slice(D.length + 1)] : []))
        .toSorted(),
    );
    expect(errors).toEqual(["ConnectionNotFound", "InvalidRequest", "PermissionDenied"]);
  });

  test.each([
    ["a method that is not there", `${D}.Nothing`, {}, "org.varlink.service.MethodNotFound", { method: "Nothing" }],
    [
      "an interface that is not there",
      "no.such.Thing",
      {},
      "org.varlink.service.InterfaceNotFound",
      { interface: "no.such" },
    ],
    [
      "a parameter too many",
      `${D}.Reload`,
      { now: true },
      "org.varlink.service.InvalidParameter",
      { parameter: "now" },
    ],
    [
      "a parameter of another type",
      `${F}.SetDefaultBackend`,
      { backend_id: 1 },
      "org.varlink.service.InvalidParameter",
      { parameter: "backend_id" },
    ],
    [
      "a parameter too few",
      `${D}.CloseConnection`,
      {},
      "org.varlink.service.InvalidParameter",
      { parameter: "session" },
    ],
  ])("%s is refused by name", async (_, method, parameters, error, told) => {
    expect(await library.call(method, parameters)).toEqual({ error, parameters: told });
  });

  test("one call may have no reply, another several", async () => {
    proxy.forget();
    await library.tell(`${D}.Reload`);
    await proxy.record("reload");
    const replies = await library.stream(`${D}.ListConnections`);
    expect(replies).toEqual([{ parameters: { connections: [], open: 0, complete: true } }]);
  });

  test("weakness 6.2.17, reads are open to everybody: where no group is named, the socket itself keeps everybody out but its owner", async () => {
    expect(statSync(path).mode & 0o777).toBe(0o666);
    const closed = scene.path("closed");
    await portail.socks({ policy: allowLocal(1), args: ["--control", `unix:${closed}`] });
    expect(statSync(closed).mode & 0o777).toBe(0o600);
    const other = await VarlinkLibrary.open(scene, closed);
    expect((await other.call(`${F}.GetCurrentBackend`)).parameters).toEqual({ backend_id: "<none>" });
    const stranger = other.call(`${F}.GetCurrentBackend`, {}, { uid: 12_345, gid: OTHER });
    expect(await stranger.catch(String)).toContain("permission denied");
  });

  test("the socket goes with the proxy", async () => {
    await library.call(`${D}.Drain`, {}, { uid: 12_345, gid: ADMIN });
    expect(await proxy.program.ended).toBe(0);
    expect(existsSync(path)).toBe(false);
  });
});
