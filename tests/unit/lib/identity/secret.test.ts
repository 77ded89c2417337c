/** Secrets out of texts, files, pipes and credentials, and that none of them can be printed. */
import { afterAll, describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { createLogger } from "../../../../lib/command/log.ts";
import { Secret } from "../../../../lib/identity/secret.ts";
import { SourceFiles } from "../../../../lib/identity/source-files.ts";
import { Scene } from "../../../support/scene.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";
import { refusal } from "./refusal.ts";

const scene = new Scene();
afterAll(() => scene.close());

const files = () => new SourceFiles({ cwd: scene.folder, env: {} });
const inFile = (content: string | Uint8Array) => {
  scene.write("secret", content);
  return Secret.ofFile("secret").read(files());
};

describe("a secret", () => {
  test("of a text is that text", () => expect(Secret.ofText("a b\n").read(files())).toBe("a b\n"));

  test("of a variable is what that says, newline and all; it must be set", () => {
    const named = new SourceFiles({ cwd: scene.folder, env: { PIN: "a b\n", EMPTY: "" } });
    expect(Secret.ofVariable("PIN").read(named)).toBe("a b\n");
    expect(Buffer.from(Secret.ofVariable("PIN").readVerbatim(named)).toString()).toBe("a b\n");
    for (const name of ["EMPTY", "NONE"])
      expect(refusal(() => Secret.ofVariable(name).read(named))).toMatchObject({ code: "identity.no_variable" });
    expect(inspect(Secret.ofVariable("PIN"))).not.toContain("PIN");
  });

  test.each([
    ["one\n", "one"],
    ["one\r\n", "one"],
    ["one", "one"],
    ["one\n\n", "one\n"],
    [" one \n", " one "],
    ["\n", ""],
    ["", ""],
    ["pä€𝄞\n", "pä€𝄞"],
  ])("in a file %j is %j", (content, secret) => expect(inFile(content)).toBe(secret));

  test.each([
    ["bytes that are no UTF-8", Uint8Array.of(0x68, 0xff)],
    ["a zero byte", "hunter2\0"],
    ["too much", "hunter2".repeat(10_000)],
  ])("is refused with %s, which the error does not repeat", (_, content) => {
    const error = refusal(() => inFile(content));
    expect([error.code, error.exit]).toEqual(["identity.bad_secret", 65]);
    expect(error.everything).not.toContain("hunter");
  });

  test.each([
    ["text\n", Buffer.from("text\n")],
    ["", Buffer.alloc(0)],
    [Uint8Array.of(0xff, 0, 10, 13, 10), Buffer.of(0xff, 0, 10, 13, 10)],
  ])("in a file is, verbatim, its bytes: %j", (content, bytes) => {
    scene.write("secret", content);
    expect(Buffer.from(Secret.ofFile("secret").readVerbatim(files()))).toEqual(bytes);
  });

  test("verbatim has a limit too", () => {
    scene.write("secret", "hunter2".repeat(10_000));
    const error = refusal(() => Secret.ofFile("secret").readVerbatim(files()));
    expect([error.code, error.exit]).toEqual(["identity.bad_secret", 65]);
    expect(error.everything).not.toContain("hunter");
  });

  test("in a file is read at each call", () => {
    scene.write("secret", "one");
    const [secret, from] = [Secret.ofFile("secret"), files()];
    expect(secret.read(from)).toBe("one");
    scene.write("secret", "two");
    expect(secret.read(from)).toBe("two");
  });
});

test("no secret is printed", () => {
  const secret = Secret.ofText("hunter2");
  const options = { depth: 9, showHidden: true };
  const printed = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, options),
    Bun.inspect([secret]),
    ...Object.values(secret),
  ];
  expect(printed.join()).not.toContain("hunter2");
  expect(JSON.stringify(secret)).toBe('"[secret]"');
  for (const format of ["text", "json"] as const) {
    const { stderr } = fakeRuntime();
    const log = createLogger({ stderr, stamped: false });
    log.configure({ format });
    log.info("x", { secret });
    expect(stderr.text()).toContain("[secret]");
    expect(stderr.text()).not.toContain("hunter2");
  }
});
