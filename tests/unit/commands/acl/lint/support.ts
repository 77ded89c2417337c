/** `portail acl lint` without a process, on files of a folder of its own. Not a test. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../../../../cli/run.ts";
import { root } from "../../../../../cli/commands.ts";
import { fakeRuntime } from "../../../cli/fake-runtime.ts";

export interface Linted {
  status: number;
  stdout: string;
  stderr: string;
}

export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "portail-lint-"));

  write(name: string, text: string | Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  async lint(...args: string[]): Promise<Linted> {
    const runtime = fakeRuntime({ cwd: this.path });
    const status = await run(root, ["acl", "lint", ...args], runtime);
    return { status, stdout: runtime.stdout.text(), stderr: runtime.stderr.text() };
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

/** An error, a warning that can be fixed, and a note that can be fixed. */
export const POLICY = `policy web {
  when port == 443 and host == "A.test" and port == 443
  action allow
}
policy web_again {
  when port == 443 and host == "a.test" and client.cn == "c" and client.cn == "d"
  action allow
}
`;
