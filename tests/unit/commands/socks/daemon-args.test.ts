/** `portail daemon`'s flags and configuration as those of `portail socks`: sockets, presets, and what is told. */
import { expect, test } from "bun:test";
import { daemonArgs, type DaemonFlags } from "../../../../commands/socks/daemon-args.ts";
import { parseReferenceConfig } from "../../../../lib/command/reference-config.ts";
import { defaultTunnels } from "../../../../lib/service/descriptors.ts";
import { refusal } from "../../lib/identity/refusal.ts";

function args(config = "", flags: Partial<DaemonFlags> = {}, env: Record<string, string> = {}) {
  const none = { "bind-proxy-address": undefined, "bind-rpc-socket": undefined, "log-preset": "development" };
  return daemonArgs({ ...none, ...flags }, parseReferenceConfig(config, "p.toml"), env);
}

const passed = (names: string) => ({
  LISTEN_PID: String(process.pid),
  LISTEN_FDS: String(names.split(":").length),
  LISTEN_FDNAMES: names,
});

test("without flags, the sockets of the service manager", () => {
  expect(args("", {}, passed("proxy:control")).given).toMatchObject({
    listen: ["systemd:proxy"],
    control: "systemd:control",
  });
  expect(args("", {}, passed("proxy")).given).toMatchObject({ listen: ["systemd:proxy"], control: undefined });
});

test("flags win over them", () => {
  const flags = { "bind-proxy-address": "127.0.0.1:8080", "bind-rpc-socket": "/run/x" };
  const { given, warnings } = args("", flags, passed("proxy:control"));
  expect(given).toMatchObject({ listen: ["127.0.0.1:8080"], control: "unix:/run/x", "unsafe-listen": false });
  expect(warnings).toEqual([]);
});

test("an address beyond loopback is let be, as there, and told", () => {
  const { given, warnings } = args("", { "bind-proxy-address": "[::]:8080" });
  expect(given["unsafe-listen"]).toBe(true);
  expect(warnings).toEqual(["--bind-proxy-address [::]:8080 lets everybody in who can reach it"]);
});

test("presets and RUST_LOG", () => {
  const logged = (preset: string, RUST_LOG = "info") => {
    const { given, live } = args("", { "log-preset": preset }, { RUST_LOG });
    return [given["log-format"], given.audit, given.quiet, given.debug, live];
  };
  expect(logged("development")).toEqual(["text", undefined, false, false, true]);
  expect(logged("systemd", "warn")).toEqual(["text", "/var/log/portail/access.log", true, false, false]);
  expect(logged("container", "debug")).toEqual(["json", "-", false, true, false]);
  expect(refusal(() => logged("journald")).code).toBe("usage.value");
});

test("backends are spoken to as the client speaks, and those with TLS held against the one file of authorities", () => {
  const { tables } = args(
    '[listener]\ncacert-file = "ca.pem"\n[backends.plain]\ntarget-address = "192.0.2.1:1080"\n' +
      '[backends.tls]\ntarget-address = "192.0.2.2:443"\nidentity-aware = true\ntls-server-name = "hub.test"\n' +
      "[backends.moving]\ndynamic = true\n",
  );
  expect(Object.fromEntries<object>(tables.backend)).toMatchObject({
    plain: { target: "same://192.0.2.1:1080", dynamic: false, trust: undefined },
    tls: { target: "same+tls://192.0.2.2:443", "server-name": "hub.test", trust: "listener.cacert-file" },
    moving: { target: undefined, dynamic: true, trust: "listener.cacert-file" },
  });
  expect(Object.fromEntries(tables.trust)).toEqual({ "listener.cacert-file": { cacert: ["ca.pem"], crl: [] } });
});

test("what the file asks for and is not there stops the start", () => {
  const none = { "bind-proxy-address": undefined, "bind-rpc-socket": undefined, "log-preset": "development" };
  const config = { ...parseReferenceConfig("", "p.toml"), values: new Map([["no-such-flag-here", "x"]]) };
  const error = refusal(() => daemonArgs(none, config, {}));
  expect(error).toMatchObject({ code: "config.unsupported", exit: 78 });
});

test("groups that are there keep their rights, others are told", () => {
  const config = '[rpc]\nadmin-groups = ["root"]\ntrusted-groups = ["no-such-group-here"]';
  const { given, warnings } = args(config, { "bind-rpc-socket": "/run/x" });
  expect(given["control-admin-group"]).toEqual(["root"]);
  expect(given["control-trusted-group"]).toEqual([]);
  expect(warnings).toEqual(['there is no group "no-such-group-here": it gives nobody a right']);
});

test("more connections than the limit of open files allows are cut to it", () => {
  const { given, warnings } = args("max-connections = 999999");
  expect(given["max-concurrent-conns"]).toBe(String(defaultTunnels()));
  expect(warnings).toHaveLength(1);
  expect(args("max-connections = 5").given["max-concurrent-conns"]).toBe("5");
});
