/** `portail s3crypt serve`: a proxy in front of a storage, which sees encrypted objects alone. */
import { defineCommand, type Command, type Invocation } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { configureLog } from "../../lib/command/flags.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { checkStatusClients } from "../../lib/service/status-clients.ts";
import { logToSyslog } from "../../lib/service/syslog.ts";
import { parseEngine } from "./engine.ts";
import { readKeyring } from "./keyring-file.ts";
import { unlockKeyring } from "./keyring.ts";
import { requiredPassword } from "./password.ts";
import { args } from "./serve/flags.ts";
import { load } from "./serve/load.ts";
import { serve } from "./serve/process.ts";
import { parseSettings } from "./serve/settings.ts";

async function run({ args: given, data }: Invocation<typeof args>) {
  configureLog(data.log, given);
  const settings = parseSettings(given, data.env);
  const engine = parseEngine(given.engine);
  const end = given.syslog ? logToSyslog(data.log) : undefined;
  try {
    return await serve(data, settings, { engine, openKeys: (files) => openKeys(given, data, files) });
  } finally {
    end?.();
  }
}

async function openKeys(given: Invocation<typeof args>["args"], runtime: Runtime, files: SourceFiles) {
  const password = requiredPassword(given, runtime, files);
  return (await unlockKeyring(readKeyring(given, files), password)).keys;
}

async function check({ args: given, data }: Invocation<typeof args>) {
  const settings = parseSettings(given, data.env);
  parseEngine(given.engine);
  const files = new SourceFiles(data);
  const { warnings } = await load(settings, files, () => openKeys(given, data, files));
  for (const warning of [...settings.warnings, ...warnings]) data.log.warn(warning);
  checkStatusClients(data, settings.status?.clients, "s3crypt");
}

function command(name: string): Command {
  return defineCommand({
    meta: {
      name,
      description: "Stand in front of a storage (S3, Swift), and let it see encrypted objects alone",
      long: `Clients ask for /upstream/PATH what they would ask the storage for PATH: what they PUT is encrypted under the
newest key of the keyring, what they GET is decrypted, and sizes, tags and ranges are those of the plaintext. Who may is the
storage's to say (tokens, TempURLs), and that of a policy (--acl) where there is one. With an access key, a secret and a region
of S3, clients sign with these, and so does the proxy; --s3-listen has S3 at the root, for clients that know no prefix.

What could carry an object past the cipher is refused: forms, archives, methods that nobody knows. An upload becomes an
object only when its content is what its Content-MD5 or ETag says; a download that turns out to be cut off or changed ends
with a reset, never as if it were whole.

With --write-once a presigned URL uploads one time, until it runs out. While the registry of those that were used does not
answer, such uploads are denied.

GET /ping answers 200, and 404 while there is a file "maintenance" in the working directory. SIGHUP reads keyring, policy and
certificates anew; what is broken changes nothing. Flags, variables and URLs of ds_proxy are taken.`,
      examples: [
        {
          command: `portail s3crypt ${name} --upstream-url https://swift.example.com/ --keyring-file keyring.toml --password-file pw`,
          description: "Serve 127.0.0.1:4444, in the format of ds_proxy",
        },
        {
          command: `portail s3crypt ${name} --upstream-url https://s3.example.com/ --keyring-file keyring.toml --password-file pw --s3-access-key ID --s3-secret-key-file secret --s3-region eu-west-3 --s3-listen 127.0.0.1:9000`,
          description: "Serve S3 at http://127.0.0.1:9000/, and below /upstream/ at 127.0.0.1:4444",
        },
        {
          command: `portail s3crypt ${name} --listen 192.0.2.7:443 --cert s.pem --key s.key --cacert clients.pem --acl s3.acl --upstream-url https://swift.example.com/ --write-format v3`,
          description:
            "For clients with certificates, by a policy; keyring and password from DS_KEYRING and DS_PASSWORD",
        },
      ],
      exits: [
        { status: EXIT.done, meaning: "stopped, and everything open had ended" },
        { status: EXIT.no, meaning: "stopped, and open connections were cut" },
        { status: EXIT.usage, meaning: "a flag or its value is wrong, or no keyring, password or secret is given" },
        { status: EXIT.badData, meaning: "the keyring does not open, or the policy is broken" },
        { status: EXIT.noInput, meaning: "a file cannot be read" },
        {
          status: EXIT.unavailable,
          meaning: "the registry of --write-once does not answer, there is no syslog, or no libcrypto where asked for",
        },
        { status: EXIT.os, meaning: "the system refused, e.g. the address is in use" },
        { status: EXIT.cannotCreate, meaning: "the audit destination, or the file of --write-once, cannot be opened" },
        { status: EXIT.noPrivilege, meaning: "listening there, or reading a key, is not permitted" },
        { status: EXIT.config, meaning: "the settings contradict each other" },
      ],
    },
    args,
    run,
    // The other name is for the same files.
    ...(name === "serve" && { check }),
  });
}

export default command("serve");

/** The name that ds_proxy has for it. */
export const proxy = command("proxy");
