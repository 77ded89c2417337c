/** A private key without its certificate, in a file or in a token, for what is signed before there is one. */
import { usage } from "../command/argv.ts";
import type { ParsedArgs } from "../command/define.ts";
import { isPkcs11Uri } from "../wire/pkcs11-uri.ts";
import type { identityFlags, tokenFlags } from "./flags.ts";
import { NamedFile, sortMaterial } from "./material.ts";
import { MemorySigner } from "./memory-signer.ts";
import { openPrivateKey } from "./private-key.ts";
import { Secret } from "./secret.ts";
import type { Signer } from "./signer.ts";
import type { SourceFiles } from "./source-files.ts";
import { parseTokenUri, tokenSource, type TokenSource } from "./token/source.ts";
import { tokensOf } from "./token/tokens.ts";

type KeySource = TokenSource | { readonly kind: "file"; readonly key: string; readonly password: Secret | undefined };

type Given = Pick<ParsedArgs<typeof identityFlags>, "key" | "storepass" | "storepass-file"> &
  ParsedArgs<typeof tokenFlags>;

/** Throws `PortailError` (64) where no key is named, or two. */
export function parseKeyFlags(given: Given): KeySource {
  const { key, storepass, "storepass-file": file, "pkcs11-module": module } = given;
  const { "pkcs11-token-label": label, "pkcs11-pin": pin, "pkcs11-pin-file": pinFile } = given;
  const uri = key !== undefined && isPkcs11Uri(key) ? parseTokenUri("--key", key) : undefined;
  if (key !== undefined && uri === undefined) {
    if (module !== undefined)
      throw usage(
        "usage.conflict",
        "--pkcs11-module and --key exclude each other",
        "leave one out: the key is in a token or in a file",
      );
    const password =
      file !== undefined ? Secret.ofFile(file) : storepass === undefined ? undefined : Secret.ofText(storepass);
    return { kind: "file", key, password };
  }
  if (uri === undefined && module === undefined)
    throw usage("usage.missing", "no private key is named", "give --key FILE, --key pkcs11:URI, or --pkcs11-module");
  const variables = " (PKCS11_MODULE in the environment)";
  return tokenSource({ module, label, pin, pinFile }, uri ?? {}, undefined, variables);
}

/** Throws `PortailError` (`identity.*`, `token.*`). */
export async function openSigner(source: KeySource, files: SourceFiles): Promise<Signer> {
  if (source.kind === "token") return (await tokensOf(files).open(source, undefined)).signer;
  const { key, password } = source;
  const file = new NamedFile(key, "key");
  const [form] = sortMaterial(files.read(key, "key"), key, "key").keys;
  if (form === undefined) throw file.refuse("no_key", "holds no private key");
  return new MemorySigner(
    key,
    openPrivateKey(form, file, () => password?.read(files)),
  );
}
