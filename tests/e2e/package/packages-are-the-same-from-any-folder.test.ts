/** Two builds in two folders, under another umask and time zone, are the same to the bit; what they hold is described rightly. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { needing } from "../../support/needs.ts";
import { copySources, makePackages, MAKING, packages, TARGET } from "../../support/packages.ts";
import { run } from "../../support/program.ts";
import { PYTHON, pythonLibrary } from "../../support/python-library.ts";
import { Scene } from "../../support/scene.ts";

/** By the makers of CycloneDX, with their schema inside. */
const VALIDATE = `import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_5).validate_str(sys.stdin.read()))`;

needing(basename(import.meta.file, ".test.ts").replaceAll("-", " "), ["dpkg-deb", "python3:pip"], () => {
  setDefaultTimeout(2 * MAKING);
  const scene = new Scene();
  afterAll(() => scene.close());
  let folder = "";
  beforeAll(async () => {
    folder = await packages();
  });

  const file = (start: string, end: string): string => {
    const name = readdirSync(folder).find((entry) => entry.startsWith(start) && entry.endsWith(end));
    if (name === undefined) throw new Error(`no ${start}…${end} among ${readdirSync(folder).join(" ")}`);
    return join(folder, name);
  };

  test("bit by bit", async () => {
    const sources = scene.mkdir("other/folder of sources");
    await copySources(sources);
    await makePackages(sources, scene.path("out"), "077", { TZ: "Asia/Tokyo" });
    const names = readdirSync(folder).toSorted();
    expect(names.length).toBe(6);
    expect(readdirSync(scene.path("out")).toSorted()).toEqual(names);
    const digests = (of: string) => names.map((name) => `${sha256(readFileSync(join(of, name)))} ${name}`);
    expect(digests(scene.path("out"))).toEqual(digests(folder));
  });

  test("every file has its checksum", async () => {
    const { status, stdout } = await run(["sha256sum", "--check", "--strict", "SHA256SUMS"], { cwd: folder });
    const others = readdirSync(folder).filter((name) => name !== "SHA256SUMS");
    expect({ status, lines: stdout.trim().split("\n") }).toEqual({
      status: 0,
      lines: others.toSorted().map((name) => `${name}: OK`),
    });
  });

  test("the bill of materials is valid, and names what is compiled in", async () => {
    const library = await pythonLibrary("cyclonedx-python-lib[json-validation]", "11.12.0");
    const text = readFileSync(file("portail-", ".cdx.json"), "utf8");
    const validate = (stdin: string) => run([PYTHON, "-c", VALIDATE], { env: { PYTHONPATH: library }, stdin });
    expect(await validate(text)).toEqual({ status: 0, stdout: "None\n", stderr: "" });
    expect((await validate(text.replace('"SHA-512"', '"SHA-0"'))).stdout).toContain("SHA-0");
    const { components } = JSON.parse(text) as { components: { name: string }[] };
    const names = components.map(({ name }) => name);
    expect(names).toContain("bun");
    expect(names).toContain("re2js");
    expect(names).not.toContain("oxlint");
  });

  test("the program obeys no .env and no bunfig.toml of its folder", async () => {
    scene.write("trap/.env", "DS_KEYRING=planted.toml\n");
    scene.write("trap/bunfig.toml", 'preload = ["./planted.ts"]\n');
    scene.write("trap/planted.ts", 'process.stdout.write("planted\\n");\n');
    const cwd = scene.path("trap");
    const serve = [file("portail-", TARGET), "s3crypt", "serve", "--upstream-url", "https://a.test/"];
    const outcome = await run(serve, { cwd });
    expect(outcome).toMatchObject({ status: 64, stdout: "" });
    expect(outcome.stderr).toContain("--keyring-file is required");
    const told = await run(serve, { cwd, env: { DS_KEYRING: "planted.toml" } });
    expect(told.stderr).toContain("the password of the keyring is missing");
    const trapped = await run([process.execPath, "-e", "console.log(process.env.DS_KEYRING)"], { cwd });
    expect(trapped.stdout).toBe("planted\nplanted.toml\n");
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
