/** The PIN of a SoftHSM token by file, named pipe, systemd's credential, environment and prompt; over a reload too, and nowhere to be seen. */
import { writeFileSync } from "node:fs";
import { expect, test } from "bun:test";
import { authority } from "../../support/pki.ts";
import { run } from "../../support/program.ts";
import { scenario, type Stage } from "../../support/scenario.ts";
import { PIN, SoftHsm, SOFTHSM } from "../../support/softhsm.ts";
import { TerminalProgram } from "../../support/terminal.ts";

const ca = authority();

function tell({ scene, portail }: Stage): void {
  const hsm = new SoftHsm(scene);
  hsm.put(ca.issue({ cn: "token" }), "key", "01");
  const cacert = scene.write("ca.pem", ca.cert);
  const pin = scene.write("credentials/pin", `${PIN}\n`, 0o600);
  const key = (source?: string) => ["--key", hsm.uri("object=key", source && `pin-source=${source}`)];

  const WAYS: [name: string, flags: string[], env: Record<string, string>][] = [
    ["pin-source=file:", key(`file:${pin}`), {}],
    ["pin-source=file://", key(`file://${pin}`), {}],
    ["pin-source, a path", key(pin), {}],
    ["pin-source=credential:", key("credential:pin"), { CREDENTIALS_DIRECTORY: scene.path("credentials") }],
    ["pin-source=env:", key("env:TOKEN_PIN"), { TOKEN_PIN: PIN }],
    ["--pkcs11-pin-file", [...key(), "--pkcs11-pin-file", pin], {}],
    ["PKCS11_PIN", key(), { PKCS11_PIN: PIN }],
    ["--pkcs11-pin", [...key(), "--pkcs11-pin", PIN], {}],
  ];
  test.each(WAYS)("%s", async (_name, flags, env) => {
    const { status, stdout, stderr } = await portail.run(["identity", "show", ...flags], {
      env: { ...hsm.env, ...env },
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("CN=token\n");
    expect(stdout).not.toContain(PIN);
  });

  test("a named pipe, which says it once, and is not asked again at a reload", async () => {
    const pipe = scene.path("pipe");
    await run(["mkfifo", "--mode=600", pipe]);
    const args = [...key(`file:${pipe}`), "--cacert", cacert, "--allow-all"];
    const starting = portail.tunnel({ side: "server", target: "127.0.0.1:9", args, env: hsm.env });
    writeFileSync(pipe, `${PIN}\n`);
    const tunnel = await starting;
    expect(await tunnel.reload()).toMatchObject({ outcome: "done" });
    expect(await tunnel.stop()).toBe(0);
    expect(tunnel.program.stderr).not.toContain(PIN);
  });

  test("a person at the terminal, once, and unseen", async () => {
    const command = [...portail.command, "identity", "show", ...key()];
    const right = new TerminalProgram(scene, command, hsm.env);
    await right.shows(/PIN of the token "portail test": $/);
    // With a slip.
    right.type(`${PIN}x\x7f\r`);
    await right.shows(/subject +CN=token\n/);
    expect(await right.ended).toBe(0);
    expect(right.screen).not.toContain(PIN);

    const unwilling = new TerminalProgram(scene, command, hsm.env);
    await unwilling.shows(/PIN of the token "portail test": $/);
    unwilling.type("\x03");
    await unwilling.shows(/\[token\.pin_missing\]/);
    expect(await unwilling.ended).toBe(64);

    const wrong = new TerminalProgram(scene, command, hsm.env);
    await wrong.shows(/PIN of the token "portail test": $/);
    wrong.type("11223344\r");
    await wrong.shows(/\[token\.wrong_pin\]/);
    expect(await wrong.ended).toBe(77);
    expect(wrong.screen).not.toContain("11223344");
  });
}

scenario(import.meta.file, [...SOFTHSM, "mkfifo"], tell, ["binary"]);
