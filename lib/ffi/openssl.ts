/** The system's OpenSSL (3 or later) for TLS whose keys are elsewhere: the calls that are used, and the provider of such keys. */
import { cc, dlopen, type Pointer } from "bun:ffi";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import providerSource from "./key-provider.c" with { type: "text" };

const CRYPTO = {
  OPENSSL_version_major: { args: [], returns: "u32" },
  OpenSSL_version: { args: ["int"], returns: "cstring" },
  ASYNC_is_capable: { args: [], returns: "int" },
  ASYNC_init_thread: { args: ["usize", "usize"], returns: "int" },
  ASYNC_pause_job: { args: [], returns: "int" },
  ASYNC_get_current_job: { args: [], returns: "ptr" },
  CRYPTO_zalloc: { args: ["usize", "ptr", "int"], returns: "ptr" },
  CRYPTO_free: { args: ["ptr", "ptr", "int"], returns: "void" },
  OSSL_LIB_CTX_new: { args: [], returns: "ptr" },
  OSSL_PROVIDER_load: { args: ["ptr", "ptr"], returns: "ptr" },
  OSSL_PROVIDER_add_builtin: { args: ["ptr", "ptr", "ptr"], returns: "int" },
  EVP_set_default_properties: { args: ["ptr", "ptr"], returns: "int" },
  EVP_PKEY_CTX_new_from_name: { args: ["ptr", "ptr", "ptr"], returns: "ptr" },
  EVP_PKEY_CTX_free: { args: ["ptr"], returns: "void" },
  EVP_PKEY_fromdata_init: { args: ["ptr"], returns: "int" },
  EVP_PKEY_fromdata: { args: ["ptr", "ptr", "int", "ptr"], returns: "int" },
  EVP_PKEY_todata: { args: ["ptr", "int", "ptr"], returns: "int" },
  EVP_PKEY_is_a: { args: ["ptr", "ptr"], returns: "int" },
  EVP_PKEY_free: { args: ["ptr"], returns: "void" },
  OSSL_PARAM_free: { args: ["ptr"], returns: "void" },
  X509_new_ex: { args: ["ptr", "ptr"], returns: "ptr" },
  X509_free: { args: ["ptr"], returns: "void" },
  X509_get0_pubkey: { args: ["ptr"], returns: "ptr" },
  d2i_X509: { args: ["ptr", "ptr", "i64"], returns: "ptr" },
  i2d_X509: { args: ["ptr", "ptr"], returns: "int" },
  X509_CRL_new_ex: { args: ["ptr", "ptr"], returns: "ptr" },
  X509_CRL_free: { args: ["ptr"], returns: "void" },
  d2i_X509_CRL: { args: ["ptr", "ptr", "i64"], returns: "ptr" },
  X509_STORE_add_cert: { args: ["ptr", "ptr"], returns: "int" },
  X509_STORE_add_crl: { args: ["ptr", "ptr"], returns: "int" },
  X509_STORE_set_flags: { args: ["ptr", "u64"], returns: "int" },
  X509_verify_cert_error_string: { args: ["i64"], returns: "cstring" },
  BIO_new: { args: ["ptr"], returns: "ptr" },
  BIO_s_mem: { args: [], returns: "ptr" },
  BIO_ctrl: { args: ["ptr", "int", "i64", "ptr"], returns: "i64" },
  BIO_ctrl_pending: { args: ["ptr"], returns: "u64" },
  BIO_write: { args: ["ptr", "ptr", "int"], returns: "int" },
  BIO_read: { args: ["ptr", "ptr", "int"], returns: "int" },
  ERR_clear_error: { args: [], returns: "void" },
  ERR_peek_last_error: { args: [], returns: "u64" },
  ERR_reason_error_string: { args: ["u64"], returns: "cstring" },
} as const;

const SSL = {
  OPENSSL_init_ssl: { args: ["u64", "ptr"], returns: "int" },
  TLS_method: { args: [], returns: "ptr" },
  SSL_CTX_new_ex: { args: ["ptr", "ptr", "ptr"], returns: "ptr" },
  SSL_CTX_free: { args: ["ptr"], returns: "void" },
  SSL_CTX_ctrl: { args: ["ptr", "int", "i64", "ptr"], returns: "i64" },
  SSL_CTX_set_options: { args: ["ptr", "u64"], returns: "u64" },
  SSL_CTX_set_num_tickets: { args: ["ptr", "usize"], returns: "int" },
  SSL_CTX_set_cipher_list: { args: ["ptr", "ptr"], returns: "int" },
  SSL_CTX_set_session_id_context: { args: ["ptr", "ptr", "u32"], returns: "int" },
  SSL_CTX_set_alpn_select_cb: { args: ["ptr", "ptr", "ptr"], returns: "void" },
  SSL_CTX_use_certificate: { args: ["ptr", "ptr"], returns: "int" },
  SSL_CTX_use_PrivateKey: { args: ["ptr", "ptr"], returns: "int" },
  SSL_CTX_check_private_key: { args: ["ptr"], returns: "int" },
  SSL_CTX_get_cert_store: { args: ["ptr"], returns: "ptr" },
  SSL_CTX_add_client_CA: { args: ["ptr", "ptr"], returns: "int" },
  SSL_new: { args: ["ptr"], returns: "ptr" },
  SSL_free: { args: ["ptr"], returns: "void" },
  SSL_set_bio: { args: ["ptr", "ptr", "ptr"], returns: "void" },
  SSL_set_accept_state: { args: ["ptr"], returns: "void" },
  SSL_set_connect_state: { args: ["ptr"], returns: "void" },
  SSL_set_verify: { args: ["ptr", "int", "ptr"], returns: "void" },
  SSL_set_alpn_protos: { args: ["ptr", "ptr", "u32"], returns: "int" },
  SSL_set_ex_data: { args: ["ptr", "int", "ptr"], returns: "int" },
  SSL_get_ex_data: { args: ["ptr", "int"], returns: "ptr" },
  SSL_ctrl: { args: ["ptr", "int", "i64", "ptr"], returns: "i64" },
  SSL_do_handshake: { args: ["ptr"], returns: "int" },
  SSL_get_error: { args: ["ptr", "int"], returns: "int" },
  SSL_read: { args: ["ptr", "ptr", "int"], returns: "int" },
  SSL_write: { args: ["ptr", "ptr", "int"], returns: "int" },
  SSL_shutdown: { args: ["ptr"], returns: "int" },
  SSL_get_verify_result: { args: ["ptr"], returns: "i64" },
  SSL_get_version: { args: ["ptr"], returns: "cstring" },
  SSL_get_servername: { args: ["ptr", "int"], returns: "cstring" },
  SSL_get0_alpn_selected: { args: ["ptr", "ptr", "ptr"], returns: "void" },
  SSL_get1_peer_certificate: { args: ["ptr"], returns: "ptr" },
  SSL_session_reused: { args: ["ptr"], returns: "int" },
} as const;

const PROVIDER = {
  setup: { args: ["ptr", "ptr", "ptr", "ptr", "ptr"], returns: "void" },
  address_of: { args: ["int"], returns: "ptr" },
  set_next_handle: { args: ["int"], returns: "void" },
  take_request: { args: [], returns: "ptr" },
  answer: { args: ["ptr", "ptr", "int"], returns: "void" },
} as const;

type Crypto = ReturnType<typeof dlopen<typeof CRYPTO>>["symbols"];
type Ssl = ReturnType<typeof dlopen<typeof SSL>>["symbols"];
type Provider = ReturnType<typeof dlopen<typeof PROVIDER>>["symbols"];

export interface Openssl {
  /** `3.0.19`. */
  readonly version: string;
  readonly crypto: Crypto;
  readonly ssl: Ssl;
  readonly provider: Provider;
  /** The library context that has the provider; of this thread alone. */
  readonly context: Pointer;
  readonly selectProtocol: Pointer;
  readonly acceptAny: Pointer;
}

/** Where distributions put it. A bare name would be looked up in the current directory too. */
const FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib"];
const MAJORS = [3, 4];
/** OPENSSL_INIT_NO_LOAD_CONFIG: what is asked for is what is spoken. */
const NO_CONFIG = 0x80n;
/** Handshakes that may be under way in one thread; each has a stack of its own. */
export const MOST_JOBS = 256;

let opened: Openssl | string | undefined;

/** The folder of another OpenSSL than the system's; absolute. */
const VARIABLE = "PORTAIL_OPENSSL";

interface FoundOpenssl {
  readonly version: string;
  /** Of its libssl. */
  readonly path: string;
}

/** Opens it once for this thread; a text says why it cannot be used, as a sentence without a final period. */
export function openssl(): Openssl | string {
  return (opened ??= search(prepare));
}

/** Which one `openssl` would open; a text says why there is none. Prepares nothing. */
export function findOpenssl(): FoundOpenssl | string {
  return search((crypto, _ssl, path) => ({ version: versionOf(crypto), path }));
}

/** What `use` makes of the first that fits; it throws for what does not. */
function search<T>(use: (crypto: Crypto, ssl: Ssl, path: string) => T): T | string {
  const given = process.env[VARIABLE];
  if (given && !isAbsolute(given)) return `${VARIABLE} is no absolute path`;
  const folders = given ? [given] : FOLDERS;
  let why = `there is no libssl.so.3 or libssl.so.4 in ${folders.join(", ")}`;
  for (const folder of folders) {
    for (const major of MAJORS) {
      const [crypto, ssl] = [`${folder}/libcrypto.so.${major}`, `${folder}/libssl.so.${major}`];
      if (!existsSync(crypto) || !existsSync(ssl)) continue;
      try {
        const library = dlopen(crypto, CRYPTO).symbols;
        check(library, major);
        return use(library, dlopen(ssl, SSL).symbols, ssl);
      } catch (error) {
        // Of another architecture, or without one of the calls: the next may do.
        why = `${ssl} cannot be used: ${(error as Error).message}`;
      }
    }
  }
  return why;
}

function check(crypto: Crypto, major: number): void {
  if (crypto.OPENSSL_version_major() !== major) throw new Error("it is of another version than its name says");
  if (crypto.ASYNC_is_capable() !== 1) throw new Error("it was built without asynchronous jobs");
}

function versionOf(crypto: Crypto): string {
  return String(crypto.OpenSSL_version(0)).split(" ")[1] ?? "";
}

function prepare(crypto: Crypto, ssl: Ssl): Openssl {
  ssl.OPENSSL_init_ssl(NO_CONFIG, null);
  const provider = compileProvider();
  const functions = [
    crypto.CRYPTO_zalloc,
    crypto.CRYPTO_free,
    crypto.ASYNC_pause_job,
    crypto.ASYNC_get_current_job,
    ssl.SSL_get_ex_data,
  ].map(addressOf);
  const [zalloc, free, pause, current, data] = functions;
  provider.setup(zalloc!, free!, pause!, current!, data!);
  const context = known(crypto.OSSL_LIB_CTX_new());
  known(crypto.OSSL_PROVIDER_load(context, text("default")));
  const init = known(provider.address_of(0));
  if (crypto.OSSL_PROVIDER_add_builtin(context, text("portail-key"), init) !== 1)
    throw new Error("it takes no provider");
  known(crypto.OSSL_PROVIDER_load(context, text("portail-key")));
  crypto.EVP_set_default_properties(context, text("?provider=default"));
  crypto.ASYNC_init_thread(MOST_JOBS, 0);
  return {
    version: versionOf(crypto),
    crypto,
    ssl,
    provider,
    context,
    selectProtocol: known(provider.address_of(1)),
    acceptAny: known(provider.address_of(2)),
  };
}

/** The compiler takes files only. This one is in a folder that is ours alone, for a moment. */
function compileProvider(): Provider {
  const folder = temporaryFolder();
  try {
    const source = join(folder, "key-provider.c");
    writeFileSync(source, providerSource, { mode: 0o600 });
    return cc({ source, symbols: PROVIDER }).symbols as Provider;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A service may have nowhere to write but in memory. */
function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "portail-"));
  } catch {
    return mkdtempSync("/dev/shm/portail-");
  }
}

/** Where a function of a library is. */
function addressOf(call: unknown): Pointer {
  const { ptr } = call as { ptr?: Pointer };
  if (ptr === undefined) throw new Error("a function has no address");
  return ptr;
}

function known(pointer: Pointer | bigint | null): Pointer {
  if (pointer === null) throw new Error("it has no memory left, or lacks its own provider");
  return pointer as Pointer;
}

/** As C has it; to be kept as long as C may read it. */
export function text(value: string): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(Buffer.byteLength(value) + 1));
  Buffer.from(bytes.buffer).write(value);
  return bytes;
}
