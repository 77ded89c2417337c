/** `portail identity csr`: a request for a certificate, signed where the key is. */
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { openSigner, parseKeyFlags } from "../../lib/identity/open-signer.ts";
import { createRequest, parseAltName, parseSubject } from "../../lib/identity/issue.ts";
import { testSigner } from "../../lib/identity/self-test.ts";
import { SignerError } from "../../lib/identity/signer.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { tokensOf } from "../../lib/identity/token/tokens.ts";
import { encodePem } from "../../lib/wire/pem.ts";
import { exits } from "./exits.ts";
import { keyFlags } from "./flags.ts";

export default defineCommand({
  meta: {
    name: "csr",
    description: "Write a certification request (PKCS#10), signed by a key in a file or in a token",
    long: `It goes to standard output in PEM. What an authority makes of it is the certificate for --cert, beside the same --key.`,
    examples: [
      {
        command: "portail identity csr --key web.key --subject CN=web --san DNS:web.example",
        description: "With a key in a file",
      },
      {
        command:
          "portail identity csr --key 'pkcs11:token=web;object=web?module-path=/usr/lib/softhsm/libsofthsm2.so' --subject CN=web",
        description: "With a key that never leaves its token",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "written" },
      { status: EXIT.badData, meaning: "the file is no private key, or its password is wrong" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      ...exits,
    ],
  },
  args: {
    subject: {
      type: "string",
      valueHint: "NAME",
      description: "The name that is asked for, e.g. CN=web,O=Example; may be empty beside --san",
      default: "",
    },
    san: {
      type: "string",
      multiple: true,
      valueHint: "NAME",
      description: "A further name: DNS:, IP:, URI: or email: and the name itself",
    },
    ...keyFlags,
  },
  async run({ args, data }) {
    const subject = parseSubject(args.subject);
    const names = args.san.map(parseAltName);
    if (args.subject === "" && names.length === 0)
      throw usage("usage.missing", "the request names nobody", "give --subject CN=NAME, or --san DNS:NAME");
    const source = parseKeyFlags(args);
    const files = new SourceFiles(data);
    try {
      const signer = await openSigner(source, files);
      await testSigner(signer);
      const request = await createRequest(signer, subject, names);
      data.stdout.write(encodePem("CERTIFICATE REQUEST", request));
    } catch (error) {
      if (!(error instanceof SignerError)) throw error;
      throw new PortailError(`the key does not sign: ${error.message}`, {
        code: error.code,
        exit: EXIT.unavailable,
        hint: "the key must be allowed to sign (CKA_SIGN)",
        cause: error,
      });
    } finally {
      tokensOf(files).close();
    }
    return EXIT.done;
  },
});
