/** What `portail s3crypt serve` was told of S3, as values: the end of all strings. Opens nothing. */
import { usage } from "../../../lib/command/argv.ts";
import type { ParsedArgs } from "../../../lib/command/define.ts";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { parseChoice } from "../../../lib/command/values.ts";
import { Secret } from "../../../lib/identity/secret.ts";
import type { SourceFiles } from "../../../lib/identity/source-files.ts";
import { parseEndpoint, type Endpoint } from "../../../lib/net/endpoint.ts";
import type { s3Args } from "./s3-flags.ts";

export interface S3Settings {
  readonly accessKeyId: string;
  readonly secret: Secret;
  readonly region: string;
  /** `--bypass-s3-signature-check`: whoever comes is served. */
  readonly bypass: boolean;
  /** Where the storage is at the root. */
  readonly listen: readonly Endpoint[];
  readonly listSizes: "exact" | "raw";
  /** Whether multipart uploads may begin. */
  readonly multipart: "allow" | "deny";
  readonly warnings: readonly string[];
}

type Given = ParsedArgs<typeof s3Args>;
type Environment = Readonly<Record<string, string | undefined>>;

const SECRET = "S3_SECRET_KEY";

/** Undefined is plain mode. Throws `PortailError`. */
export function parseS3Settings(given: Given, env: Environment): S3Settings | undefined {
  const { "s3-access-key": accessKeyId, "s3-region": region } = given;
  const secret = secretOf(given, env, accessKeyId !== undefined);
  const bypass = given["bypass-s3-signature-check"] || isTrue(env, "BYPASS_S3_SIGNATURE_CHECK");
  const listSizes = parseListSizes(given);
  const multipart = parseChoice("--multipart", given.multipart, ["allow", "deny"]);
  if (accessKeyId === undefined && region === undefined && secret === undefined) {
    // The variable of ds_proxy means nothing in plain mode, where nothing is verified.
    const idle = given["s3-listen"].length > 0 ? "--s3-listen" : "--bypass-s3-signature-check";
    if (given["s3-listen"].length > 0 || given["bypass-s3-signature-check"]) throw missing(`${idle} is for S3 mode`);
    return undefined;
  }
  if (!accessKeyId || !region || secret === undefined) throw missing("the credentials of S3 are not complete");
  if (!/^[\x21-\x2b\x2d-\x7e]{1,256}$/.test(accessKeyId) || !/^[A-Za-z0-9._-]{1,64}$/.test(region))
    throw usage(
      "s3crypt.s3_credentials",
      "the access key or the region of S3 is malformed",
      "write them as the storage gave them",
    );
  const warnings = [
    ...(bypass ? ["--bypass-s3-signature-check: whoever reaches the proxy may read and write all objects"] : []),
    ...(given["s3-secret-key"] === undefined
      ? []
      : ["--s3-secret-key can be read by everybody on this machine: use --s3-secret-key-file"]),
  ];
  const listen = given["s3-listen"].map((text) => parseEndpoint(text, "--s3-listen"));
  return { accessKeyId, secret, region, bypass, listen, listSizes, multipart, warnings };
}

/** In plain mode too. Throws `PortailError`. */
export function parseListSizes(given: Given): "exact" | "raw" {
  return parseChoice("--list-sizes", given["list-sizes"], ["exact", "raw"]);
}

/** Throws `PortailError` where it cannot be read, or is nothing. */
export function readS3Secret({ secret }: S3Settings, files: SourceFiles): string {
  const text = secret.read(files);
  if (text.trim() !== "") return text;
  throw new PortailError("the secret key of S3 is empty", { code: "s3crypt.s3_credentials", exit: EXIT.badData });
}

/** The variable counts only beside an access key: others set it too. */
function secretOf(given: Given, env: Environment, wanted: boolean): Secret | undefined {
  const { "s3-secret-key": text, "s3-secret-key-file": file } = given;
  if (text !== undefined && file !== undefined)
    throw usage(
      "usage.conflict",
      "--s3-secret-key and --s3-secret-key-file exclude each other",
      "leave one of them out",
    );
  if (file !== undefined) return Secret.ofFile(file);
  const value = text ?? (wanted ? env[SECRET] : undefined);
  return value ? Secret.ofText(value) : undefined;
}

function missing(message: string): PortailError {
  return new PortailError(message, {
    code: "s3crypt.s3_credentials",
    exit: EXIT.usage,
    hint: `give --s3-access-key, --s3-region and --s3-secret-key-file (or ${SECRET} with the secret itself)`,
  });
}

/** Throws `PortailError` for what is neither. */
export function isTrue(env: Environment, name: string): boolean {
  const value = env[name];
  return value !== undefined && value !== "" && parseChoice(name, value, ["true", "false"]) === "true";
}
