/** What stands behind a prefix of a protocol id leads where the route's template and policy mean, and nowhere else. */
import { beforeAll, expect, test } from "bun:test";
import { RunningMux } from "../../support/mux-scene.ts";
import { openNames, type Names } from "../../support/names.ts";
import { authority, save } from "../../support/pki.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb, type Web } from "../../support/web.ts";

const METADATA = "169.254.169.254";

scenario(
  import.meta.file,
  ["openssl"],
  ({ scene, portail }) => {
    const ca = authority();
    const own = save(scene, "own", ca.issue({ san: ["DNS:auth.example"] }));
    let web: Web;
    let names: Names;
    let mux: RunningMux;

    beforeAll(async () => {
      web = openWeb(scene);
      names = await openNames(scene, {
        "leaf.auth.test": ["127.0.0.1"],
        "far.auth.test": [METADATA],
        "self.auth.test": ["127.0.0.1"],
        metadata: [METADATA],
        leaf: ["127.0.0.1"],
        localhost: ["127.0.0.1"],
      });
      const careful = scene.write(
        "careful.acl",
        'policy leaves { when host in ["leaf.auth.test", "far.auth.test"] and dest.ip == 127.0.0.1 action allow }\n' +
          'policy named { when host == "self.auth.test" action allow }\n',
      );
      const careless = scene.write("careless.acl", `policy all { when port == ${web.port} action allow }\n`);
      const ended = { terminate: true, "unsafe-target": true };
      const routes = [
        { ...ended, name: "auth", alpn: ["teleport-auth@*"], acl: careful, target: `{capture}.auth.test:${web.port}` },
        { ...ended, name: "bare", alpn: ["bare@*"], acl: careless, target: `{capture}:${web.port}` },
      ];
      const identity = ["--cert", own.cert, "--key", own.key];
      mux = await RunningMux.open(scene, portail, { routes }, [...identity, "--resolver", names.address]);
    });

    const ask = async (id: string) => {
      mux.audit.forget();
      const where = ["-connect", `127.0.0.1:${mux.port}`, "-servername", "auth.example"];
      const request = { stdin: "GET /hello HTTP/1.0\r\nHost: a\r\n\r\n" };
      const outcome = await run(["openssl", "s_client", ...where, "-alpn", id, "-quiet", "-ign_eof"], request);
      const { decision, reason, target } = await mux.session();
      const alert = outcome.stderr.includes("alert no application protocol");
      return { got: outcome.stdout.includes("hello from the web"), alert, decision, reason, target };
    };

    test("where both mean", async () => {
      expect(await ask("teleport-auth@leaf")).toMatchObject({
        got: true,
        decision: "allow",
        target: `leaf.auth.test:${web.port}`,
      });
    });

    test.each([
      ["teleport-auth@other", "policy_default"],
      ["teleport-auth@metadata", "policy_default"],
      ["teleport-auth@far", "policy_default"],
      ["teleport-auth@self", "guard"],
      // The policy lets everything through here: what is left is the guard of addresses.
      ["bare@metadata", "guard"],
      ["bare@leaf", "guard"],
      ["bare@localhost", "guard"],
      ["bare@2130706433", "guard"],
      ["bare@0x7f000001", "guard"],
    ])("%s is not allowed: %s", async (id, reason) => {
      const seen = web.requests.length;
      expect(await ask(id)).toMatchObject({ got: false, alert: false, decision: "deny", reason });
      expect(web.requests).toHaveLength(seen);
      for (const name of ["other", "metadata"]) expect(names.asked).not.toContain(`${name}.auth.test`);
    });

    test.each(["127.0.0.1", "a.b", "LEAF", "leaf.auth.test:1", "le_af", "leaf@x", "a".repeat(64), ""])(
      "%j is no capture",
      async (capture) => {
        const asked = names.asked.length;
        for (const prefix of ["teleport-auth@", "bare@"])
          expect(await ask(`${prefix}${capture}`)).toMatchObject({ got: false, alert: true, reason: "bad_capture" });
        expect(names.asked).toHaveLength(asked);
      },
    );

    test("63 characters are one", async () => {
      const capture = `${"a".repeat(62)}-`;
      expect(await ask(`teleport-auth@${capture}`)).toMatchObject({
        decision: "deny",
        reason: "policy_default",
        target: `${capture}.auth.test:${web.port}`,
      });
      expect(await mux.stop()).toBe(0);
    });
  },
  ["binary"],
);
