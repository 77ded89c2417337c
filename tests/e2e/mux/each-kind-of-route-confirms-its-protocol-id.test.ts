/** Which protocol id openssl and Go's crypto/tls see confirmed, for every kind of route; one that none takes gets the alert. */
import { beforeAll, expect, test } from "bun:test";
import { freePort } from "../../support/free-port.ts";
import { goProgram } from "../../support/go-program.ts";
import { RunningMux } from "../../support/mux-scene.ts";
import { authority, save } from "../../support/pki.ts";
import { run, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

const NAMES = ["one", "many", "any", "pass", "default", "db", "a.wild", "b.a.deep", "r7", "nobody"];

scenario(import.meta.file, ["openssl", "go"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const own = save(scene, "own", ca.issue({ san: NAMES.map((name) => `DNS:${name}.example`) }));
  let mux: RunningMux;
  let go: string;

  beforeAll(async () => {
    go = await goProgram("gotls");
    const port = freePort();
    const serve = ["openssl", "s_server", "-accept", `127.0.0.1:${port}`, "-cert", own.cert, "-key", own.key, "-www"];
    await start(scene, [...serve, "-alpn", "x-second,x-first"]).output("stdout", /ACCEPT/);
    const ended = { terminate: true, target: "127.0.0.1:9" };
    const routes = [
      { name: "one", "server-name": "one.example", alpn: ["x-one"], ...ended },
      { name: "many", "server-name": "many.example", alpn: ["x-1", "x-2", "x-3"], ...ended },
      { name: "any", "server-name": "any.example", alpn: ["x-any@*", "x-any@exact"], ...ended },
      { name: "pass", "server-name": "pass.example", alpn: ["x-first", "x-second"], target: `127.0.0.1:${port}` },
      { name: "default", "server-name": "default.example", ...ended },
      { name: "default-id", "server-name": "default.example", alpn: ["x-id"], ...ended },
      { name: "db", "server-name": "db.example", starttls: "postgres", ...ended },
      { name: "wild", "server-name": "*.wild.example", alpn: ["x-wild"], ...ended },
      { name: "deep", "server-name": "**.deep.example", alpn: ["x-deep"], ...ended },
      { name: "regex", "server-name-regex": ["r[0-9]+\\.example"], alpn: ["x-regex"], ...ended },
      { name: "nameless", alpn: ["x-nameless"], ...ended },
    ];
    mux = await RunningMux.open(scene, portail, { routes }, ["--cert", own.cert, "--key", own.key]);
  }, 300_000);

  const openssl = async (name: string, ids: readonly string[], ...more: string[]) => {
    const to = ["-connect", `127.0.0.1:${mux.port}`, "-servername", `${name}.example`, "-CAfile", cacert];
    const offered = ids.length === 0 ? [] : ["-alpn", ids.join(",")];
    const { stdout, stderr } = await run(["openssl", "s_client", ...to, ...offered, ...more]);
    if (stderr.includes("alert no application protocol")) return "the alert";
    if (stderr.includes("unrecognized name")) return "no such name";
    if (stdout.includes("No ALPN negotiated")) return "none";
    return /ALPN protocol: (.*)/.exec(stdout)?.[1] ?? stderr;
  };
  const goTls = async (name: string, ids: readonly string[]) => {
    const { stdout } = await run([go, String(mux.port), `${name}.example`, cacert, ...ids]);
    if (stdout.includes("tls: no application protocol")) return "the alert";
    if (stdout.includes("tls: unrecognized name")) return "no such name";
    const id = /^agreed: "(.*)"$/m.exec(stdout)?.[1];
    return id === "" ? "none" : (id ?? stdout);
  };

  test.each([
    ["an id", "one", ["x-none", "x-one"], "x-one"],
    ["an id", "one", ["x-none"], "the alert"],
    ["an id", "one", [], "the alert"],
    ["a list, in the client's order", "many", ["x-3", "x-1"], "x-3"],
    ["a list", "many", ["x-4"], "the alert"],
    ["a prefix", "any", ["x-any@leaf"], "x-any@leaf"],
    ["a prefix beside an id", "any", ["x-any@exact"], "x-any@exact"],
    ["a prefix", "any", ["x-any"], "the alert"],
    ["what passes, as its server has it", "pass", ["x-first", "x-second"], "x-second"],
    ["what passes", "pass", ["x-third"], "the alert"],
    ["a name's default", "default", ["x-whatever"], "none"],
    ["a name's id beside its default", "default", ["x-whatever", "x-id"], "x-id"],
    ["PostgreSQL with TLS at once", "db", ["postgresql"], "postgresql"],
    ["PostgreSQL with TLS at once", "db", ["h2"], "the alert"],
    ["a wildcard", "a.wild", ["x-wild"], "x-wild"],
    ["a wildcard", "a.wild", ["x-nameless"], "the alert"],
    ["a wildcard of several labels", "b.a.deep", ["x-deep"], "x-deep"],
    ["a pattern for names", "r7", ["x-regex"], "x-regex"],
    ["no name", "nobody", ["x-nameless"], "x-nameless"],
    ["no name", "nobody", ["x-none", "h2"], "the alert"],
    ["a name's default", "default", [], "none"],
  ])("%s: %s with %j gets %s", async (_, name, ids, seen) => {
    expect([await openssl(name, ids), await goTls(name, ids)]).toEqual([seen, seen]);
  });

  test("PostgreSQL by its request for TLS", async () => {
    expect(await openssl("db", ["postgresql"], "-starttls", "postgres")).toBe("postgresql");
    expect(await openssl("db", ["x-other"], "-starttls", "postgres")).toBe("none");
    expect(await openssl("one", ["postgresql"], "-starttls", "postgres")).toBe("no such name");
  });
});
