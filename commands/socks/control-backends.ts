/** What the control socket asks of the backends: which there are, which is the default, and where the dynamic ones lead. */

export interface BackendSpec {
  /** `ip:port`. */
  readonly target: string;
  readonly tls: boolean;
  readonly serverName: string | undefined;
}

export interface ControlledBackend {
  readonly name: string;
  /** Whether it may be led somewhere else. */
  readonly dynamic: boolean;
  /** `host:port`; undefined of a dynamic one that leads nowhere yet. */
  readonly target: string | undefined;
  readonly tls: boolean;
  readonly serverName: string | undefined;
  /** Of a dynamic one only, from the next connection on. */
  update(spec: BackendSpec): void;
}

export interface ControlledBackends {
  readonly all: ReadonlyMap<string, ControlledBackend>;
  /** The name of one of them. */
  default: string | undefined;
}
