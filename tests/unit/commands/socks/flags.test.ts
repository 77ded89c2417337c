/** What the help says of the authorities that clients are held against. That the settings do so is settings.test.ts. */
import { expect, test } from "bun:test";
import { root } from "../../../../cli/commands.ts";
import { run } from "../../../../cli/run.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

/** What the help says of `--cacert`, in one line. */
async function cacertOf(...command: string[]): Promise<string> {
  const runtime = fakeRuntime();
  expect(await run(root, [...command, "--help"], runtime)).toBe(0);
  const [, said] = /\n {2}--cacert FILE\s+(.*?)\n {2}--/s.exec(runtime.stdout.text()) ?? [];
  return said!.replaceAll(/\s+/g, " ");
}

test("in front of the access proxy the system's authorities count for nothing", async () => {
  expect(await cacertOf("socks")).toBe(
    "Certificates of the authorities that clients are verified against, never those of the system; without it, they are asked for no certificate (repeatable)",
  );
});

test.each(["server", "client"])("in tunnel %s they count where none is named", async (side) => {
  expect(await cacertOf("tunnel", side)).toStartWith(
    "Certificates of the authorities that peers are verified against; without it, those of the system (",
  );
});
