/** What TLS of the system's OpenSSL works with, prepared once for many connections: a chain whose key is elsewhere, trust, versions. */
import { ptr, type Pointer } from "bun:ffi";
import { text, type Openssl } from "./openssl.ts";

export interface ContextSettings {
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** DER. */
  readonly ca: readonly Uint8Array[];
  /** DER; with any, each authority of a chain needs one. */
  readonly crl: readonly Uint8Array[];
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  /** TLS 1.2 suites, and signatures, both in OpenSSL's notation. */
  readonly ciphers: string;
  readonly signatures: string;
  /** In OpenSSL's notation too; undefined is what it does by itself. */
  readonly groups: string | undefined;
}

/** A call of the library failed; its words. */
export class OpensslError extends Error {
  override readonly name = "OpensslError";
  /** Whether what it refuses are the groups, which no file holds. */
  readonly ofGroups: boolean;

  constructor(message: string, ofGroups = false) {
    super(message);
    this.ofGroups = ofGroups;
  }
}

const GROUPS = "the groups of the key exchange";

const VERSIONS = { "TLSv1.2": 0x0303, "TLSv1.3": 0x0304 } as const;

/** Of SSL_CTX_ctrl. */
const CTRL = {
  mode: 33,
  cacheMode: 44,
  extraChain: 14,
  minVersion: 123,
  maxVersion: 124,
  signatures: 98,
  groups: 92,
} as const;
/** SSL_OP_NO_TICKET, NO_COMPRESSION, CIPHER_SERVER_PREFERENCE, NO_RENEGOTIATION: all of it is signed for anew. */
const OPTIONS = (1n << 14n) | (1n << 17n) | (1n << 22n) | (1n << 30n);
/** SSL_MODE_ENABLE_PARTIAL_WRITE is not among them: what is written goes to memory. ACCEPT_MOVING_WRITE_BUFFER, RELEASE_BUFFERS. */
const MODES = 0x2n | 0x10n;
/** X509_V_FLAG_CRL_CHECK, X509_V_FLAG_CRL_CHECK_ALL. */
const CRL_FLAGS = 0x4n | 0x8n;
/** EVP_PKEY_PUBLIC_KEY, EVP_PKEY_KEYPAIR. */
const PUBLIC = 0x86;
const PAIR = 0x87;
const KEY_TYPES = ["RSA", "EC", "ED25519"] as const;

/** Frees what nobody can use any more: connections hold the context themselves as long as they are open. */
const gone = new FinalizationRegistry((free: () => void) => free());

export class OpensslContext {
  readonly library: Openssl;
  readonly pointer: Pointer;

  /** Throws `OpensslError`. */
  constructor(library: Openssl, settings: ContextSettings) {
    this.library = library;
    const { ssl, crypto, context } = library;
    crypto.ERR_clear_error();
    this.pointer = this.#must(ssl.SSL_CTX_new_ex(context, null, ssl.TLS_method()), "no context");
    try {
      this.#prepare(settings);
    } catch (error) {
      ssl.SSL_CTX_free(this.pointer);
      throw error;
    }
    const { pointer } = this;
    gone.register(this, () => ssl.SSL_CTX_free(pointer));
  }

  #prepare({ chain, ca, crl, minVersion, maxVersion, ciphers, signatures, groups }: ContextSettings): void {
    const { ssl, selectProtocol } = this.library;
    const { pointer } = this;
    const control = (command: number, value: number | bigint, data: Uint8Array | Pointer | null = null) =>
      ssl.SSL_CTX_ctrl(pointer, command, value, data);
    control(CTRL.minVersion, VERSIONS[minVersion]);
    control(CTRL.maxVersion, VERSIONS[maxVersion]);
    control(CTRL.mode, MODES);
    control(CTRL.cacheMode, 0);
    ssl.SSL_CTX_set_options(pointer, OPTIONS);
    ssl.SSL_CTX_set_num_tickets(pointer, 0);
    this.#check(ssl.SSL_CTX_set_cipher_list(pointer, text(ciphers)), "the cipher suites");
    this.#check(Number(control(CTRL.signatures, 0, text(signatures))), "the signatures");
    if (groups !== undefined) this.#check(Number(control(CTRL.groups, 0, text(groups))), GROUPS);
    ssl.SSL_CTX_set_session_id_context(pointer, text("portail"), 7);
    ssl.SSL_CTX_set_alpn_select_cb(pointer, selectProtocol, null);
    this.#trust(ca, crl);
    this.#present(chain, control);
  }

  #trust(ca: readonly Uint8Array[], crl: readonly Uint8Array[]): void {
    const { ssl, crypto } = this.library;
    const store = this.#must(ssl.SSL_CTX_get_cert_store(this.pointer), "no store");
    for (const der of ca) {
      this.#certificate(der, (certificate) => {
        this.#check(crypto.X509_STORE_add_cert(store, certificate), "a certificate of the trust bundle");
        ssl.SSL_CTX_add_client_CA(this.pointer, certificate);
      });
    }
    for (const der of crl) {
      const list = this.#decode(der, crypto.X509_CRL_new_ex, crypto.d2i_X509_CRL, "a revocation list");
      const added = crypto.X509_STORE_add_crl(store, list);
      crypto.X509_CRL_free(list);
      this.#check(added, "a revocation list");
    }
    if (crl.length > 0) crypto.X509_STORE_set_flags(store, CRL_FLAGS);
  }

  #present(chain: readonly Uint8Array[], control: (command: number, value: number, data: Pointer) => unknown): void {
    const { ssl, crypto } = this.library;
    const [leaf, ...issuers] = chain;
    if (leaf === undefined) return;
    this.#certificate(leaf, (certificate) => {
      this.#check(ssl.SSL_CTX_use_certificate(this.pointer, certificate), "the certificate");
      const key = this.#keyOf(certificate);
      const used = ssl.SSL_CTX_use_PrivateKey(this.pointer, key);
      crypto.EVP_PKEY_free(key);
      this.#check(used, "the key");
      this.#check(ssl.SSL_CTX_check_private_key(this.pointer), "the key beside the certificate");
    });
    for (const der of issuers) {
      const certificate = this.#decode(der, crypto.X509_new_ex, crypto.d2i_X509, "a certificate of the chain");
      // The context owns it from here on.
      if (Number(control(CTRL.extraChain, 0, certificate)) !== 1) {
        crypto.X509_free(certificate);
        throw this.#failed("a certificate of the chain");
      }
    }
  }

  /** A key of the provider, whose public half is the certificate's. */
  #keyOf(certificate: Pointer): Pointer {
    const { crypto, provider, context } = this.library;
    const publicKey = this.#must(crypto.X509_get0_pubkey(certificate), "the certificate's public key");
    const type = KEY_TYPES.find((name) => crypto.EVP_PKEY_is_a(publicKey, text(name)) === 1);
    if (type === undefined) throw new OpensslError("the certificate's key is neither RSA, EC nor Ed25519");
    const slot = new BigUint64Array(new ArrayBuffer(8));
    this.#check(crypto.EVP_PKEY_todata(publicKey, PUBLIC, slot), "the certificate's public key");
    const params = Number(slot[0]) as Pointer;
    const making = this.#must(
      crypto.EVP_PKEY_CTX_new_from_name(context, text(type), text("provider=portail-key")),
      "the provider of keys",
    );
    slot[0] = 0n;
    // The number only says that there is a private half: the connection knows whose it is.
    provider.set_next_handle(1);
    const made = crypto.EVP_PKEY_fromdata_init(making) === 1 ? crypto.EVP_PKEY_fromdata(making, slot, PAIR, params) : 0;
    provider.set_next_handle(0);
    crypto.EVP_PKEY_CTX_free(making);
    crypto.OSSL_PARAM_free(params);
    this.#check(made, "the key");
    return Number(slot[0]) as Pointer;
  }

  #certificate(der: Uint8Array, use: (certificate: Pointer) => void): void {
    const { crypto } = this.library;
    const certificate = this.#decode(der, crypto.X509_new_ex, crypto.d2i_X509, "a certificate");
    try {
      use(certificate);
    } finally {
      crypto.X509_free(certificate);
    }
  }

  /** What belongs to our own library context, and not to the one that everybody shares. */
  #decode(
    der: Uint8Array,
    make: (context: Pointer, properties: null) => Pointer | bigint | null,
    decode: (slot: BigUint64Array, from: BigUint64Array, length: number) => Pointer | bigint | null,
    what: string,
  ): Pointer {
    const made = this.#must(make(this.library.context, null), "no memory");
    const bytes = new Uint8Array(new ArrayBuffer(der.length));
    bytes.set(der);
    const slot = BigUint64Array.of(BigInt(made));
    const from = BigUint64Array.of(BigInt(ptr(bytes)));
    const decoded = decode(slot, from, bytes.length);
    // The library has freed it where it could not be read. Naming the bytes here keeps them until now.
    if (decoded === null || bytes.length === 0) throw this.#failed(what);
    return made;
  }

  #must(pointer: Pointer | bigint | null, what: string): Pointer {
    if (pointer === null) throw this.#failed(what);
    return pointer as Pointer;
  }

  #check(done: number, what: string): void {
    if (done !== 1) throw this.#failed(what);
  }

  #failed(what: string): OpensslError {
    const reason = lastReason(this.library);
    return new OpensslError(reason === "" ? what : `${what}: ${reason}`, what === GROUPS);
  }
}

/** The library's word for what went wrong, and forgets it. What went wrong last was told by who knows what it means. */
export function lastReason({ crypto }: Openssl): string {
  const last = crypto.ERR_peek_last_error();
  crypto.ERR_clear_error();
  return last === 0n ? "" : String(crypto.ERR_reason_error_string(last) ?? "");
}
