/** The flags that say who may come through, one process for each, against openssl's client and server: nothing passes, and record and log say why. */
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { countingTarget } from "../../support/counting-target.ts";
import { authority, derOf, pinOf, save, selfSigned, type Certified } from "../../support/pki.ts";
import { run } from "../../support/program.ts";
import { scenario, type Stage } from "../../support/scenario.ts";
import { opensslServer, runtimeServer } from "../../support/tls-servers.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";

const WORD = "let me through";

const ca = authority("Clients");
const alice = ca.issue({ cn: "alice", san: ["DNS:alice.example", "IP:192.0.2.7", "URI:spiffe://example/alice"] });
const named = ca.issue({ cn: "alice.example", san: [] });
const servers = authority("Servers");

interface Case {
  /** Of portail, beside its identity and `--cacert`. */
  flags: string[];
  /** Of openssl. */
  peer?: Certified | undefined;
  more?: string[];
  reason: string;
}

const tell = ({ scene, portail }: Stage) => {
  const cacert = ["--cacert", scene.write("ca.pem", ca.cert)];
  const list = ca.crl({ revoked: [alice] });
  const crls = [scene.write("pem.crl", list), scene.write("der.crl", derOf(list))] as const;
  let number = 0;
  const saved = (certified: Certified) => save(scene, `identity-${++number}`, certified);

  /** One record, one line of the log beside those of the start, and no socket left. */
  const expectRefused = async (tunnel: RunningTunnel, lines: number, sockets: number, reason: string) => {
    const denied = await tunnel.session();
    expect(denied).toMatchObject({ decision: "deny", reason, sent: 0, received: 0 });
    await until("its line in the log", () => tunnel.log().length > lines);
    expect(tunnel.log().slice(lines)).toEqual([
      expect.objectContaining({ level: "warn", reason, session: denied.session }),
    ]);
    await until("all sockets closed", () => tunnel.sockets() === sockets);
    expect(await tunnel.stop()).toBe(0);
    expect(tunnel.sessions()).toHaveLength(1);
  };

  const CLIENTS: Record<string, Case> = {
    "no certificate": { flags: ["--allow-all"], peer: undefined, reason: "no_certificate" },
    "another authority": { flags: ["--allow-all"], peer: authority("Others").issue(), reason: "unknown_ca" },
    "another common name": { flags: ["--allow-cn", "bob", "--allow-cn", "al?ce"], reason: "no_access_rule_matches" },
    "a name in the CN only": {
      flags: ["--allow-dns-san", "alice.example"],
      peer: named,
      reason: "no_access_rule_matches",
    },
    "another address": { flags: ["--allow-ip-san", "192.0.2.8"], reason: "no_access_rule_matches" },
    "another URI": { flags: ["--allow-uri-san", "spiffe://example/*/alice"], reason: "no_access_rule_matches" },
    "another key": { flags: ["--allow-spki-pin", pinOf(named)], reason: "wrong_pin" },
    "no key at all": { flags: ["--allow-spki-pin", pinOf(named)], peer: undefined, reason: "no_certificate" },
    "revoked (PEM)": { flags: ["--allow-all", "--crl", crls[0]], reason: "revoked" },
    "revoked (DER)": { flags: ["--allow-all", "--crl", crls[1]], reason: "revoked" },
    "TLS 1.1": { flags: ["--allow-all"], more: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], reason: "tls_version" },
    "TLS 1.2, where 1.3 is the oldest": {
      flags: ["--allow-all", "--min-tls-version=TLS1.3"],
      more: ["-tls1_2"],
      reason: "tls_version",
    },
    "TLS 1.3, where 1.2 is the newest": {
      flags: ["--allow-all", "--max-tls-version=TLS1.2"],
      more: ["-tls1_3"],
      reason: "tls_version",
    },
    "no PROXY header": { flags: ["--allow-all", "--accept-proxy-from", "127.0.0.0/8"], reason: "proxy_header_missing" },
  };

  test.each(Object.entries(CLIENTS))("server: %s", async (_, { flags, more = [], reason, ...given }) => {
    const peer = "peer" in given ? given.peer : alice;
    const target = await countingTarget(scene);
    const { keystore } = saved(servers.issue());
    const args = ["--keystore", keystore, ...cacert, ...flags];
    const tunnel = await portail.tunnel({ side: "server", target: target.text, args });
    const [lines, sockets] = [tunnel.log().length, tunnel.sockets()];
    const identity = peer === undefined ? undefined : saved(peer);
    const as = identity === undefined ? [] : ["-cert", identity.cert, "-key", identity.key];
    const where = ["-connect", `127.0.0.1:${tunnel.port}`, "-quiet"];
    const { stdout } = await run(["openssl", "s_client", ...where, ...as, ...more], { stdin: WORD });
    expect(stdout).toBe("");
    await expectRefused(tunnel, lines, sockets, reason);
    expect([target.connections, target.bytes]).toEqual([0, 0]);
  });

  const alices = ca.issue({ cn: "alice", san: ["DNS:localhost", "IP:192.0.2.7", "URI:spiffe://example/alice"] });
  const SERVERS: Record<string, Case> = {
    "signed by itself": { flags: [], peer: selfSigned(), reason: "unknown_ca" },
    "another name": { flags: [], peer: alice, reason: "server_name_mismatch" },
    "another name than is asked for": {
      flags: ["--override-server-name", "alice.example"],
      reason: "server_name_mismatch",
    },
    expired: { flags: [], peer: ca.issue({ from: -9, to: -1 }), reason: "expired" },
    "another common name": { flags: ["--verify-cn", "bob"], reason: "no_access_rule_matches" },
    "another DNS name": { flags: ["--verify-dns-san", "alice"], reason: "no_access_rule_matches" },
    "another address": { flags: ["--verify-ip-san", "192.0.2.8"], reason: "no_access_rule_matches" },
    "another URI": { flags: ["--verify-uri-san", "spiffe://example"], reason: "no_access_rule_matches" },
    "another key": { flags: ["--verify-spki-pin", pinOf(named)], reason: "wrong_pin" },
    revoked: { flags: ["--crl", scene.write("server.crl", ca.crl({ revoked: [alices] }))], reason: "revoked" },
  };

  test.each(Object.entries(SERVERS))("client: %s", async (_, { flags, peer = alices, reason }) => {
    const server = await opensslServer(scene, saved(peer), "TLSv1.3", WORD);
    const tunnel = await openClient(server.port, flags);
    const [lines, sockets] = [tunnel.log().length, tunnel.sockets()];
    expect(await say(tunnel.port)).toBe("");
    await expectRefused(tunnel, lines, sockets, reason);
    expect(await server.bytes()).toBe(0);
  });

  const openClient = (port: number, flags: string[]) => {
    const args = ["--disable-authentication", ...cacert, ...flags];
    return portail.tunnel({ side: "client", target: `localhost:${port}`, args });
  };

  test("the same names let through who bears them", async () => {
    const target = await countingTarget(scene);
    const [server, client] = [saved(alices), saved(alice)];
    const upstream = await runtimeServer(scene, server, "TLSv1.3");
    const rules = (prefix: string) =>
      ["dns-san", "ip-san", "uri-san"].map((kind, i) => [`--${prefix}-${kind}`, RIGHT[prefix]![i]!]);
    for (const [flag, value] of rules("allow")) {
      const args = ["--keystore", server.keystore, ...cacert, flag!, value!];
      const tunnel = await portail.tunnel({ side: "server", target: target.text, args });
      const where = ["-connect", `127.0.0.1:${tunnel.port}`, "-quiet", "-no_ign_eof"];
      await run(["openssl", "s_client", ...where, "-cert", client.cert, "-key", client.key], { stdin: WORD });
      expect([flag, await tunnel.session()]).toMatchObject([flag, { decision: "allow" }]);
      await tunnel.stop();
    }
    for (const [flag, value] of rules("verify")) {
      const tunnel = await openClient(upstream.port, [flag!, value!]);
      expect([flag, await say(tunnel.port)]).toEqual([flag, WORD]);
      await tunnel.stop();
    }
  });
};

const RIGHT: Record<string, string[]> = {
  allow: ["alice.example", "192.0.2.7", "spiffe://example/alice"],
  verify: ["localhost", "192.0.2.7", "spiffe://*/alice"],
};

/** What comes back for the word. */
function say(port: number): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(WORD));
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString();
      if (got.length >= WORD.length) socket.end();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(got));
  });
}

// From source, more of it is told by tests/adversarial/tunnel.
scenario(import.meta.file, ["openssl"], tell, ["binary"]);
