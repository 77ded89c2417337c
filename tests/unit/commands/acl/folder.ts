/** `portail acl …` run in this process on a folder of its own. Not a test. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../../../cli/commands.ts";
import { run } from "../../../../cli/run.ts";
import { fakeRuntime, type FakeOptions } from "../../cli/fake-runtime.ts";

export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "portail-acl-"));

  /** Writes a file and returns its path. */
  write(name: string, text: string | Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Runs `portail acl ARGS` in this folder, which is the process's for as long as that takes. */
  async acl(args: readonly string[], options: FakeOptions = {}) {
    const runtime = fakeRuntime({ cwd: this.path, ...options });
    const before = process.cwd();
    process.chdir(this.path);
    try {
      const status: number = await run(root, ["acl", ...args], runtime);
      return { status, stdout: runtime.stdout.text(), stderr: runtime.stderr.text() };
    } finally {
      process.chdir(before);
    }
  }
}
