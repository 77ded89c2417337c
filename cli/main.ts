/** The program: process in, exit status out. Installs the crash handlers first, so that status 1 can only mean "no"; no logic. */

import { crashText } from "./report.ts";
import { EXIT } from "../lib/command/errors.ts";

function crash(error: unknown): never {
  process.stderr.write(crashText("portail", error, Boolean(process.env["PORTAIL_DEBUG"])));
  process.exit(EXIT.bug);
}
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);

// Another process of ours, which has a PKCS#11 module loaded.
if (process.env["PORTAIL_TOKEN_HELPER"] === "1") {
  const { isTokenHelper, serveToken } = await import("../lib/identity/token/helper.ts");
  if (isTokenHelper(process.env)) await serveToken();
}

const [{ run }, { root }, { processRuntime }] = await Promise.all([
  import("./run.ts"),
  import("./commands.ts"),
  import("./runtime.ts"),
]);

const runtime = processRuntime((error) => {
  if (error.code !== "EPIPE")
    process.stderr.write(`portail: cannot write standard output: ${error.code} [io.stdout]\n`);
  process.exit(EXIT.io);
});
const status = await run(root, process.argv.slice(2), runtime);
await runtime.stdout.flush();
await runtime.stderr.flush();
process.exit(status);
