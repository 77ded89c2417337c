/** The completion scripts in the shells themselves, at a terminal: what Tab makes of a line, as the shell then reads it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { scenario } from "../support/scenario.ts";
import { PATH } from "../support/program.ts";
import { Shell, SHELLS } from "../support/shells.ts";
import { until } from "../support/until.ts";

const CONFIG = `[backend."north:east"]
target = "direct"
[backend."south west $(touch pwned)"]
target = "direct"
`;
const POLICIES = "policy web_and_ssh { when port in [22, 443] action allow }\npolicy half { when }\n";

const LINES: [line: string, words: string[]][] = [
  ["sock\t", ["socks"]],
  ["acl ex\tmy\t--only web\t", ["acl", "explain", "my policies.acl", "--only", "web_and_ssh"]],
  ["tunnel server --log-f\tj\t--disable-a\t", ["tunnel", "server", "--log-format", "json", "--disable-authentication"]],
  ["tunnel server --log-format=j\t", ["tunnel", "server", "--log-format=json"]],
  ["tunnel server --quiet conns --quiet hand\t", ["tunnel", "server", "--quiet", "conns", "--quiet", "handshake-errs"]],
  ["socks --config ba\t--default-backend nor\t", ["socks", "--config", "back.toml", "--default-backend", "north:east"]],
  ["socks --config=ba\t--default-backend=nor\t", ["socks", "--config=back.toml", "--default-backend=north:east"]],
  [
    "socks --config back.toml --default-backend north:e\t",
    ["socks", "--config", "back.toml", "--default-backend", "north:east"],
  ],
  [
    "socks --config back.toml --default-backend sou\t",
    ["socks", "--config", "back.toml", "--default-backend", "south west $(touch pwned)"],
  ],
  [
    "s3crypt decrypt --keyring-file ring.toml --from 1\t",
    "s3crypt decrypt --keyring-file ring.toml --from 10".split(" "),
  ],
  ["tunnel server --listen unix:web.s\t", ["tunnel", "server", "--listen", "unix:web.sock"]],
  ["tunnel server --listen=unix:web.s\t", ["tunnel", "server", "--listen=unix:web.sock"]],
  ["socks --templates pa\tx", ["socks", "--templates", "pages/x"]],
  ["mux serve --preset-target spa\tlocalhost:1", ["mux", "serve", "--preset-target", "spanner=localhost:1"]],
  ["mux exec h:1 -- program-of-t\tba\t", ["mux", "exec", "h:1", "--", "program-of-this-test", "back.toml"]],
  ["socks --acl bui\t", ["socks", "--acl", "builtin:sample"]],
  ["acl test my\t", ["acl", "test", "my policies.acl"]],
  ['acl fmt "my p\t', ["acl", "fmt", "my policies.acl"]],
  ["nonsense ba\t", ["nonsense", "ba"]],
];

scenario(
  import.meta.file,
  SHELLS,
  ({ scene, portail }) => {
    const [program = ""] = portail.command;
    scene.write("my policies.acl", POLICIES);
    scene.write("back.toml", CONFIG);
    scene.write("ring.toml", '[keys]\n0 = ""\n10 = ""\n');
    scene.write("web.sock", "");
    scene.write("page.txt", "");
    scene.mkdir("pages");
    scene.write("bin/program-of-this-test", "#!/bin/sh\n", 0o755);
    scene.write("bin/portail", `#!/bin/sh\nexec ${program} "$@"\n`, 0o755);

    test("backends and sessions of a proxy that runs", async () => {
      const control = `unix:${scene.path("control")}`;
      const config = ["--config", scene.path("back.toml"), "--control", control];
      const proxy = await portail.socks({ policy: POLICIES.split("\n")[0]!, args: config });
      const complete = (...words: string[]) =>
        portail.run(["__complete", "fish", "socks", "ctl", ...words, ""], { env: { PORTAIL_CONTROL: control } });
      const { stdout } = await complete("set-default");
      expect(stdout).toBe("none\n\nnorth:east\t\nsouth west $(touch pwned)\t\n");
      expect(await complete("close")).toEqual({ status: 0, stdout: "none\n\n", stderr: "" });
      const client = await Bun.connect({ hostname: "127.0.0.1", port: proxy.port, socket: { data() {} } });
      client.write("C");
      const session = async () => /^none\n\n(\S+)\t127\.0\.0\.1:\d+\n$/.exec((await complete("close")).stdout)?.[1];
      const named = await until("the session", session);
      expect(await portail.run(["socks", "ctl", "close", "--control", control, named])).toMatchObject({ status: 0 });
      client.end();
      const held = await portail.run(["__complete", "fish", "rpc", "set-default-backend", "--rpc-socket", "none", ""]);
      expect(held).toEqual({ status: 0, stdout: "", stderr: "" });
    });

    describe.each(SHELLS)("%s", (name) => {
      let shell: Shell;
      beforeAll(async () => {
        shell = await Shell.open(scene, name, `${scene.path("bin")}:${PATH}`);
      });

      test.each(LINES)("%j", async (line, words) => {
        expect(await shell.completed(`portail ${line}`)).toEqual(["portail", ...words]);
      });

      test("what may come next is listed, with descriptions where the shell has them", async () => {
        await shell.lists("portail acl \t\t", name === "bash" ? /explain +fmt +lint/ : /lint +(?:-- |\()Find what/);
      });

      afterAll(() => {
        expect(shell.screen).not.toMatch(/internal error|\[usage\.|command not found|bad substitution/);
        expect(existsSync(scene.path("pwned"))).toBe(false);
      });
    });
  },
  ["binary"],
);
