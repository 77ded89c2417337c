/** What `portail doctor` looks at of a machine and of its own process, as values. Reads nothing, and judges nothing. */

export interface ProgramFacts {
  readonly version: string;
  /** `Bun 1.4.5`. */
  readonly runtime: string;
  readonly compiled: boolean;
  /** As the runtime names them: `linux`, `x64`. */
  readonly platform: string;
  readonly arch: string;
}

export interface LibraryFacts {
  /** The library that ciphers are taken from, with its version; undefined where the system has none. */
  readonly cipher: string | undefined;
  /** The OpenSSL that TLS is spoken by where keys are in tokens, or why there is none. */
  readonly openssl: { readonly version: string; readonly path: string } | string;
  /** How many certificates the system trusts, or why none. */
  readonly trust: number | string;
}

/** A PKCS#11 module that was named, and what is in it, or why it cannot be used. */
export interface ModuleFacts {
  readonly path: string;
  readonly found: { readonly description: string; readonly tokens: readonly string[] } | string;
}

/** A PKCS#11 module of p11-kit's configuration, which nobody has loaded. */
export interface ConfiguredModule {
  readonly name: string;
  /** Absolute where it was found; as it is written otherwise. */
  readonly path: string;
  readonly found: boolean;
}

export interface RightsFacts {
  readonly netAdmin: boolean;
  readonly netBindService: boolean;
}

export interface NamespaceFacts {
  /** Whether a program can have files of its own: tried, unless the program for it is missing. */
  readonly state: "works" | "missing" | "refused";
  /** What the system says where it refuses. */
  readonly error: string;
  /** Settings of the kernel that forbid them: sysctl by name. */
  readonly forbidding: readonly string[];
}

/** What the kernel does not tell is undefined. */
export interface LimitFacts {
  /** `tunnels` is how many relayed connections fit under the soft limit. */
  readonly openFiles: { readonly soft: number; readonly hard: number; readonly tunnels: number } | undefined;
  /** Connections that wait to be accepted, of one listener. */
  readonly backlog: number | undefined;
  /** The first port that anybody may listen at. */
  readonly firstPort: number | undefined;
  /** Ports of connections that we make: the first and the last. */
  readonly ownPorts: readonly [number, number] | undefined;
}

export interface SystemdFacts {
  /** Whether it is what runs this machine. */
  readonly running: boolean;
  readonly version: number | undefined;
  readonly journal: boolean;
  /** NOTIFY_SOCKET: not set, a socket that is there, or one that is not. */
  readonly notify: "none" | "there" | "gone";
  /** Names of the sockets that were passed to this process. */
  readonly sockets: readonly string[];
  /** Whether sockets were passed to another process than this one. */
  readonly misdirected: boolean;
}

export interface FirewallFacts {
  readonly nft: { readonly path: string; readonly version: string } | undefined;
  /** Whether the kernel takes a table as tproxy's; `unasked` where that takes a right that is missing. */
  readonly table: "taken" | "unasked" | { readonly refused: string };
  /** Whether there is ip(8), for captures without a firewall. */
  readonly ip: boolean;
}

export interface ClockFacts {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** When the running program's file was written, which cannot be in the future. */
  readonly written: number | undefined;
  /** What the kernel says; `error` is the most that the clock is off by, in milliseconds. */
  readonly kernel: { readonly synchronised: boolean; readonly error: number } | undefined;
}

export interface Facts {
  readonly program: ProgramFacts;
  readonly libraries: LibraryFacts;
  readonly modules: readonly ModuleFacts[];
  readonly configured: readonly ConfiguredModule[];
  /** Undefined where the system has no capabilities. */
  readonly rights: RightsFacts | undefined;
  readonly namespaces: NamespaceFacts;
  readonly limits: LimitFacts;
  readonly systemd: SystemdFacts;
  readonly firewall: FirewallFacts;
  readonly clock: ClockFacts;
  readonly ipv6: "none" | "loopback" | "network";
}
