/** Findings about the program itself, the libraries that it uses, tokens and trust. Reads nothing. */
import type { ConfiguredModule, LibraryFacts, ModuleFacts, ProgramFacts } from "./facts.ts";
import { COMMANDS, SPEAKING_TLS, type Finding } from "./finding.ts";

/** Commands that may be given a key in a token. */
const WITH_TOKENS = COMMANDS;

export function judgeProgram({ version, runtime, compiled, platform, arch }: ProgramFacts): Finding[] {
  const program: Finding = {
    code: "program.version",
    state: "ok",
    topic: "program",
    text: `portail ${version}, ${compiled ? "compiled" : "run from its sources"}, ${runtime}, ${platform} ${arch}`,
    means: "TLS whose keys are in files is the runtime's own (BoringSSL)",
    commands: COMMANDS,
  };
  if (platform === "linux") return [program];
  const other: Finding = {
    code: "program.platform",
    state: "warn",
    topic: "platform",
    text: `${platform} is not Linux`,
    means: "nothing is tested here, and connections cannot be captured",
    advice: "run daemons on Linux",
    commands: COMMANDS,
    stops: ["tproxy", "tproxy-exec"],
  };
  return [program, other];
}

export function judgeCipher({ cipher }: LibraryFacts): Finding {
  const about = { topic: "libcrypto", commands: ["s3crypt"] } as const;
  if (cipher !== undefined)
    return { code: "cipher.libcrypto", state: "ok", text: cipher, means: "s3crypt encrypts with it", ...about };
  return {
    code: "cipher.none",
    state: "note",
    text: "no libcrypto of OpenSSL 3 or 4",
    means: "s3crypt does objects of ds_proxy's format in plain JavaScript: the same bytes, many times slower",
    advice: "install OpenSSL's library (Debian's package libssl3)",
    ...about,
  };
}

/** `wanted`: whether a module was named, whose keys TLS would be spoken with. */
export function judgeOpenssl({ openssl }: LibraryFacts, wanted: boolean): Finding {
  const about = { topic: "libssl", commands: SPEAKING_TLS };
  if (typeof openssl !== "string") {
    const text = `OpenSSL ${openssl.version}, ${openssl.path}`;
    return {
      code: "openssl.found",
      state: "ok",
      text,
      means: "TLS whose keys stay in tokens is spoken by it",
      ...about,
    };
  }
  return {
    code: "openssl.none",
    state: wanted ? "warn" : "note",
    text: openssl,
    means: "there is no TLS whose keys stay in tokens",
    advice: "install OpenSSL 3 or later (Debian's package libssl3), or name its folder in PORTAIL_OPENSSL",
    ...about,
    ...(wanted && { refuses: true }),
  };
}

export function judgeModules(modules: readonly ModuleFacts[], configured: readonly ConfiguredModule[]): Finding[] {
  if (modules.length > 0) return modules.map(judgeModule);
  if (configured.length > 0) return configured.map(judgeConfigured);
  return [
    {
      code: "tokens.none",
      state: "ok",
      topic: "tokens",
      text: "p11-kit knows no PKCS#11 module",
      means: "one that it does not know can be named by --module",
      commands: WITH_TOKENS,
    },
  ];
}

function judgeModule({ path, found }: ModuleFacts): Finding {
  const about = { topic: "tokens", commands: WITH_TOKENS };
  if (typeof found === "string") {
    return {
      code: "tokens.module_unusable",
      state: "warn",
      text: `${path} cannot be used`,
      means: found,
      advice: "it must be a PKCS#11 module for this machine, with the configuration that it needs",
      ...about,
      refuses: true,
    };
  }
  const { description, tokens } = found;
  const labels = tokens.map((label) => JSON.stringify(label)).join(", ");
  if (tokens.length === 0) {
    return {
      code: "tokens.no_token",
      state: "note",
      text: `${path} (${description}) works`,
      means: "there is no token in it",
      advice: "put one in, or initialise one; a daemon's user may not see what you see",
      ...about,
    };
  }
  return {
    code: "tokens.module",
    state: "ok",
    text: `${path} (${description}) has ${labels}`,
    means: "`portail identity list` shows what is in them",
    ...about,
  };
}

function judgeConfigured({ name, path, found }: ConfiguredModule): Finding {
  const about = { topic: "tokens", commands: WITH_TOKENS };
  if (found) {
    const text = `p11-kit knows ${name}, ${path}`;
    return { code: "tokens.configured", state: "ok", text, means: "--module shows its tokens", ...about };
  }
  return {
    code: "tokens.configured_missing",
    state: "note",
    text: `p11-kit knows ${name}, but there is no ${path}`,
    means: "its tokens are not to be had",
    advice: "install the module, or remove it from p11-kit's configuration",
    ...about,
  };
}

export function judgeTrust({ trust }: LibraryFacts): Finding {
  const about = { topic: "trust", commands: SPEAKING_TLS };
  if (typeof trust === "number") {
    const text = `the system trusts ${trust.toLocaleString("en-US")} authorities`;
    return { code: "trust.system", state: "ok", text, means: "they count where --cacert is not given", ...about };
  }
  return {
    code: "trust.none",
    state: "note",
    text: trust,
    means: "who is to be believed must be named",
    advice: "give --cacert, or install the package ca-certificates",
    ...about,
  };
}
