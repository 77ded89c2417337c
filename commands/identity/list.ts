/** `portail identity list`: what a PKCS#11 module has, with the URI of each thing. */
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { tokenFlags } from "../../lib/identity/flags.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { parseTokenUri, tokenSource } from "../../lib/identity/token/source.ts";
import { tokensOf } from "../../lib/identity/token/tokens.ts";
import { contents, type ListedSlot } from "../../lib/identity/token/contents.ts";
import { exits } from "./exits.ts";

export default defineCommand({
  meta: {
    name: "list",
    description: "List slots, tokens, keys and certificates of a PKCS#11 module",
    long: `Each is shown with its pkcs11: URI (RFC 7512), as --key, --cert and --keystore take it. Most tokens show private keys only
to who has their PIN; a token is logged in to where a PIN is given, and then it must be the only one that fits.`,
    examples: [
      {
        command: "portail identity list --pkcs11-module /usr/lib/softhsm/libsofthsm2.so",
        description: "Tokens, and what they show to everybody",
      },
      {
        command:
          "portail identity list 'pkcs11:token=web?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/pin'",
        description: "Everything in one token",
      },
    ],
    exits: [{ status: EXIT.done, meaning: "listed" }, ...exits],
  },
  args: {
    uri: { type: "positional", valueHint: "URI", description: "Only tokens and things that fit this pkcs11: URI" },
    json: { type: "boolean", description: "Write one line of JSON" },
    ...tokenFlags,
  },
  async run({ args, data }) {
    const given = args.uri === undefined ? {} : parseTokenUri("URI", args.uri);
    const {
      "pkcs11-module": module,
      "pkcs11-token-label": label,
      "pkcs11-pin": pin,
      "pkcs11-pin-file": pinFile,
    } = args;
    if (given.modulePath === undefined && module === undefined)
      throw usage(
        "usage.missing",
        "no PKCS#11 module is named",
        "give --pkcs11-module PATH, or a URI with module-path",
      );
    const { type, ...uri } = given;
    const source = tokenSource({ module, label, pin, pinFile }, uri, undefined, "");
    const files = new SourceFiles(data);
    const tokens = tokensOf(files);
    try {
      const slots = await contents(tokens, source, type);
      data.stdout.write(args.json ? `${JSON.stringify(slots)}\n` : text(slots));
    } finally {
      tokens.close();
    }
    return EXIT.done;
  },
});

function text(slots: readonly ListedSlot[]): string {
  if (slots.length === 0) return "no token fits\n";
  const lines = slots.flatMap((slot) => [
    `slot ${slot.slot}: ${slot.description}`,
    ...(slot.token === undefined ? ["  no token"] : [`  token ${JSON.stringify(slot.token)}: ${slot.uri}`]),
    ...slot.notes.map((note) => `    (${note})`),
    ...slot.keys.map(({ kind, uri, pin }) => `    key ${kind}${pin === undefined ? "" : ` sha256:${pin}`}: ${uri}`),
    ...slot.certificates.map(({ subject, notAfter, uri }) => `    certificate ${subject}, until ${notAfter}: ${uri}`),
  ]);
  return `${lines.join("\n")}\n`;
}
