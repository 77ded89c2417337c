/** Teleport's names (RFD 39, and its tests of routing) as routes of the table: each hello goes where RFD 39 says. */
import { expect, test } from "bun:test";
import { RouteTable } from "../../../../../commands/mux/routes/table.ts";
import { route } from "./support.ts";

const PROXY = "proxy.example";
const DATABASES = ["teleport-postgres", "teleport-mysql", "teleport-mongodb"];

const table = new RouteTable([
  route({ name: "kube", names: [`kube-teleport-proxy-alpn.${PROXY}`] }),
  route({ name: "ssh", alpn: ["teleport-proxy-ssh"] }),
  route({ name: "reverse", alpn: ["teleport-reversetunnel", "teleport-reversetunnelv2"] }),
  ...DATABASES.map((id) => route({ name: id, alpn: [id] })),
  route({ name: "auth", alpn: ["teleport-auth@*"] }),
  route({ name: "web", alpn: ["http/1.1", "h2"] }),
  route({ name: "default" }),
  route({ name: "legacy ssh", bytes: ["ssh"] }),
]);

function to(serverName: string | undefined, ...protocolIds: string[]): string {
  const choice = table.routeHello(
    { serverName, protocolIds: protocolIds.length === 0 ? undefined : protocolIds },
    "tls",
  );
  return choice.kind === "route" ? [choice.route.name, choice.capture].filter(Boolean).join(" ") : choice.code;
}

test.each([
  ["R2", PROXY, ["teleport-proxy-ssh"], "ssh"],
  ["R3", PROXY, ["teleport-reversetunnel"], "reverse"],
  ["R4", PROXY, ["teleport-postgres"], "teleport-postgres"],
  ["R5", PROXY, ["teleport-mysql"], "teleport-mysql"],
  ["R6", PROXY, ["teleport-mongodb"], "teleport-mongodb"],
  ["R7", PROXY, ["http/1.1"], "web"],
  ["R7", PROXY, ["h2"], "web"],
  ["R7, without protocol ids", PROXY, [], "default"],
  ["R7, without a name", undefined, ["h2"], "web"],
  ["R8", PROXY, ["teleport-auth@leaf-1"], "auth leaf-1"],
  ["R8, and no cluster", PROXY, ["teleport-auth@"], "bad_capture"],
  ["R8, and an address", PROXY, ["teleport-auth@10.0.0.1"], "bad_capture"],
  ["R9: the name decides before the protocol id", `kube-teleport-proxy-alpn.${PROXY}`, ["h2", "http/1.1"], "kube"],
  ["R9", `kube-teleport-proxy-alpn.${PROXY}`, ["teleport-proxy-ssh"], "kube"],
  ["R9", `kube-teleport-proxy-alpn.${PROXY}`, [], "kube"],
  ["an application whose name begins alike", `kubeapp.${PROXY}`, ["h2"], "web"],
  ["another", `kubernetes.${PROXY}`, ["http/1.1"], "web"],
  ["the last of several", PROXY, ["unknown-1", "unknown-2", "teleport-proxy-ssh"], "ssh"],
  ["R20: curl", "app.proxy.example", ["h2", "http/1.1"], "web"],
  ["nothing that is known", PROXY, ["unknown"], "default"],
])("%s: %s %j", (_, name, ids, expected) => expect(to(name, ...ids)).toBe(expected));

test("R21: clients of before come by their first bytes", () => {
  expect(table.routeFirstBytes({ name: "ssh" })?.name).toBe("legacy ssh");
});
