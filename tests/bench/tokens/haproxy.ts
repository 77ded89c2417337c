/** What HAProxy says to a key in a token: it is asked each time, so that the report tells of the one that is here. */
import { join } from "node:path";
import { whichPeer } from "../../../scripts/peer-list.ts";
import { freePort } from "../../support/free-port.ts";
import { haproxy } from "../../support/peer-programs.ts";

/** Its words about a configuration with an engine, and about one whose key file is a PKCS#11 URI; without paths and process ids. */
export async function askHaproxy(dir: string, uri: string): Promise<string> {
  const engine = await check(dir, "engine", `${dir}/server-both.pem`, ["ssl-engine pkcs11"]);
  const certificate = await Bun.file(join(dir, "server.pem")).text();
  await Bun.write(join(dir, "with-uri.pem"), certificate);
  await Bun.write(join(dir, "with-uri.pem.key"), `${uri}\n`);
  const key = await check(dir, "uri", `${dir}/with-uri.pem`, []);
  return [
    "HAProxy takes no part where it refuses both forms. To `ssl-engine pkcs11` it says:",
    block(engine),
    "To a key file that is a PKCS#11 URI:",
    block(key),
  ].join("\n\n");
}

async function check(dir: string, name: string, crt: string, global: string[]): Promise<string> {
  const program = whichPeer("haproxy");
  if (program === null) return "(not installed)";
  const section = ["listen tokens", `  bind 127.0.0.1:${freePort()} ssl crt ${crt}`, "  server none 127.0.0.1:9"];
  const { files } = haproxy(dir, section, { name: `haproxy-${name}`, global });
  for (const [file, text] of Object.entries(files)) await Bun.write(join(dir, file), text);
  const child = Bun.spawn([program, "-c", "-f", join(dir, `haproxy-${name}.cfg`)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 10_000,
  });
  const said = (await Promise.all([child.stdout.text(), child.stderr.text()])).join("");
  const lines = said.replaceAll(`${dir}/`, "").replaceAll(/ *\(\d+\) : /g, " ");
  return `${lines.trim()}\nstatus ${await child.exited}`;
}

function block(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``;
}
