/** `mux connect` to `openssl s_server`: which protocol id it confirms, by which name it is asked, and what is said where it does not do. */
import { describe, expect, test } from "bun:test";
import { freePort } from "../../support/free-port.ts";
import { authority, pinOf, save, selfSigned } from "../../support/pki.ts";
import { run, start, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

const NAME = "db.example";

scenario(import.meta.file, ["openssl"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const server = save(scene, "server", ca.issue({ cn: "server", san: [`DNS:${NAME}`] }));

  /** One that says what it has negotiated, and answers a line with its letters turned round. */
  const serve = async (...flags: string[]): Promise<{ program: Program; port: number }> => {
    const port = freePort();
    const own = ["-cert", server.cert, "-key", server.key, "-naccept", "1", "-rev"];
    const program = start(scene, ["openssl", "s_server", "-accept", `127.0.0.1:${port}`, ...own, ...flags]);
    await program.output("stdout", /ACCEPT/);
    return { program, port };
  };
  const connect = (port: number, ...args: string[]) =>
    run([...portail.command, "mux", "connect", `127.0.0.1:${port}`, "--server-name", NAME, ...args], {
      stdin: "hello\n",
    });
  const second = ["-cert2", server.cert, "-key2", server.key];
  const trusting = ["--cacert", cacert];

  test.each([
    ["--alpn second,first", "second"],
    ["--alpn other --alpn first", "first"],
  ])("%s: %s is confirmed", async (flags, id) => {
    const { program, port } = await serve("-alpn", "second,first");
    expect(await connect(port, ...trusting, ...flags.split(" "))).toEqual({ status: 0, stdout: "olleh\n", stderr: "" });
    await program.ended;
    expect(program.stdout + program.stderr).toContain(`ALPN protocols selected: ${id}`);
  });

  describe("refused", () => {
    test("by its alert: what was offered is said", async () => {
      const { port } = await serve("-alpn", "first");
      const outcome = await connect(port, ...trusting, "--alpn", "a,b", "--alpn", "c", "--alpn", "d");
      expect(outcome).toMatchObject({ status: 69, stdout: "" });
      expect(outcome.stderr).toContain(
        'none of the protocol ids that were offered: "a", "b", "c", "d" [mux.no_application_protocol]',
      );
      expect(outcome.stderr).toContain("hint: ");
    });

    test("where it says nothing, unless that is told to be enough", async () => {
      const silent = await serve();
      const outcome = await connect(silent.port, ...trusting, "--alpn", "a,b");
      expect(outcome).toMatchObject({ status: 69, stdout: "" });
      expect(outcome.stderr).toContain('confirmed none of "a", "b" [mux.protocol_id_unconfirmed]');
      const { port } = await serve();
      expect(await connect(port, ...trusting, "--alpn", "a", "--alpn-optional")).toEqual({
        status: 0,
        stdout: "olleh\n",
        stderr: "",
      });
    });

    test.each([
      ["unknown_ca", []],
      ["server_name_mismatch", [...trusting, "--server-name=other.example"]],
      ["no_access_rule_matches", [...trusting, "--verify-cn", "other"]],
      ["wrong_pin", ["--verify-spki-pin", pinOf(selfSigned())]],
    ] as const)("%s", async (reason, flags) => {
      const { port } = await serve();
      const name = flags.some((flag) => flag.startsWith("--server-name")) ? [] : ["--server-name", NAME];
      const command = [...portail.command, "mux", "connect", `127.0.0.1:${port}`, ...name, ...flags];
      const outcome = await run(command, { stdin: "hello\n" });
      expect(outcome).toMatchObject({ status: 69, stdout: "" });
      expect(outcome.stderr).toContain(`[mux.${reason}]`);
    });

    test("by its alert for a name that it does not have", async () => {
      const { port } = await serve("-servername", "other.example", "-servername_fatal", ...second);
      const outcome = await connect(port, ...trusting);
      expect(outcome).toMatchObject({ status: 69, stdout: "" });
      expect(outcome.stderr).toContain(`the server knows no name "${NAME}" [mux.unrecognized_name]`);
    });

    test("nobody is there", async () => {
      const outcome = await connect(freePort(), ...trusting);
      expect(outcome).toMatchObject({ status: 69, stdout: "" });
      expect(outcome.stderr).toContain("[mux.dial_refused]");
    });
  });

  test("a pin takes the place of chain and name", async () => {
    const { port } = await serve("-alpn", "x");
    const pin = pinOf(ca.issue({ cn: "server", san: [`DNS:${NAME}`] }));
    const command = [
      ...portail.command,
      "mux",
      "connect",
      `127.0.0.1:${port}`,
      "--alpn",
      "x",
      "--verify-spki-pin",
      pin,
    ];
    expect(await run(command, { stdin: "hello\n" })).toEqual({ status: 0, stdout: "olleh\n", stderr: "" });
  });
});
