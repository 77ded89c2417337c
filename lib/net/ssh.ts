/** One SSH connection, of the system's OpenSSH with the user's own configuration, that carries all tunnels to its host. */
import { closeSync } from "node:fs";
import { libc } from "../ffi/libc.ts";
import { connectAndPass } from "../ffi/pass-descriptors.ts";
import type { Refusal } from "../session/front.ts";
import type { ProxyTarget } from "../session/outbound-proxy.ts";
import { Prefix } from "../session/prefix.ts";
import { decodeSshMux, encodeSshTunnel, type SshMuxReply } from "../wire/ssh-mux.ts";
import { adoptDescriptor } from "./adopt.ts";
import type { Conn, SocketAddress } from "./conn.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { NativeConn } from "./native-conn.ts";
import { SshConn } from "./ssh-conn.ts";
import { SshProcess, type SshTools, type SshUrl } from "./ssh-process.ts";

/** Why there is no tunnel: SSH itself does not work (`broken`), or its host says so of the target. */
export interface SshFailure {
  reason: "broken" | Refusal;
  message: string;
}

export interface SshMaster {
  open(target: ProxyTarget): Promise<Conn | SshFailure>;
  /** Whether the connection stands, made where there is none; what is wrong, or undefined. */
  check(): Promise<string | undefined>;
  close(): void;
}

const NO_PROBES = new KeepAlive(0);
const NOWHERE: { remote: SocketAddress; local: SocketAddress } = { remote: { path: "" }, local: { path: "" } };
/** Milliseconds between attempts to be heard while many others are. */
const RETRY = 10;
/** Milliseconds for the log to say why a tunnel was refused: it is written before the refusal is. */
const LOG_DELAY = 500;

/** Starts nothing before the first tunnel is asked for, and anew after a death. */
export function openSshMaster(url: SshUrl, tools: SshTools): SshMaster {
  let process: SshProcess | undefined;
  let closed = false;
  const connected = async (): Promise<SshProcess | SshFailure> => {
    if (closed) return broken("it is closed");
    try {
      if (process === undefined || process.ended) process = new SshProcess(url, tools);
    } catch (error) {
      return broken(`cannot start ssh: ${(error as Error).message}`);
    }
    const current = process;
    const trouble = await current.ready;
    return trouble === undefined ? current : broken(`no SSH connection to ${url.destination}: ${trouble}`);
  };
  const attempt = async (target: ProxyTarget, again: boolean): Promise<Conn | SshFailure> => {
    const current = await connected();
    if ("reason" in current) return current;
    const opened = await openTunnel(current, target, tools.timeout);
    if (!again || !("reason" in opened) || opened.reason !== "broken" || current.isAlive()) return opened;
    // It died before that was known: nothing of the request has been sent anywhere.
    current.end();
    return attempt(target, false);
  };
  return {
    open: (target) => attempt(target, true),
    async check() {
      const former = await connected();
      if ("reason" in former) return former.message;
      if (former.isAlive()) return undefined;
      former.end();
      const current = await connected();
      return "reason" in current ? current.message : undefined;
    },
    close() {
      closed = true;
      process?.end();
    },
  };
}

function broken(message: string): SshFailure {
  return { reason: "broken", message };
}

/** Two pairs of sockets: over one alone, neither direction could end before the other. */
async function openTunnel(ssh: SshProcess, target: ProxyTarget, timeout: number): Promise<SshConn | SshFailure> {
  const until = performance.now() + timeout;
  const pairs = [libc()?.socketpair(), libc()?.socketpair()];
  const [reads, writes] = pairs;
  const fds = pairs.flatMap((pair) => pair ?? []);
  if (reads === undefined || writes === undefined) {
    fds.forEach((fd) => closeSync(fd));
    return broken("the system has no sockets to give");
  }
  const request = encodeSshTunnel(0, target.host, target.port);
  let control = connectAndPass(ssh.socket, request, [reads[1], writes[1]]);
  while (control === "EAGAIN" && performance.now() < until) {
    await Bun.sleep(RETRY);
    control = connectAndPass(ssh.socket, request, [reads[1], writes[1]]);
  }
  closeSync(reads[1]);
  closeSync(writes[1]);
  if (typeof control === "string") {
    closeSync(reads[0]);
    closeSync(writes[0]);
    return broken(`ssh does not answer (${control}); ${ssh.lastWords}`);
  }
  const adopt = (fd: number) => adoptDescriptor(fd, NOWHERE, NO_PROBES);
  const [asked, output, input] = await Promise.all([adopt(control), adopt(reads[0]), adopt(writes[0])]);
  const reply = await answerOf(asked, until - performance.now());
  if (typeof reply !== "string" && reply.kind === "opened")
    return new SshConn({ control: asked, output, input, isAlive: () => ssh.isAlive() });
  for (const conn of [asked, output, input]) if (!conn.closed) conn.destroy();
  if (reply === "timeout") return { reason: "connect_timeout", message: `no answer through SSH within ${timeout} ms` };
  if (typeof reply === "string") return broken(`${reply}; ${ssh.lastWords}`);
  return failureOf(await reasonOf(ssh, target, reply));
}

/** The first packet behind the greeting, `timeout`, or half a sentence. */
function answerOf(control: NativeConn, timeout: number): Promise<Exclude<SshMuxReply, { kind: "hello" }> | string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("timeout"), Math.max(0, timeout));
    const finish = (answer: Exclude<SshMuxReply, { kind: "hello" }> | string) => {
      clearTimeout(timer);
      resolve(answer);
    };
    const prefix = new Prefix();
    control.attach({
      data(chunk) {
        let bytes = prefix.append(chunk);
        for (;;) {
          const decoded = decodeSshMux(bytes);
          if (decoded.kind === "more") return;
          if (decoded.kind === "bad") return finish(`ssh speaks another protocol: ${decoded.reason}`);
          const { value } = decoded;
          if (value.kind === "other") return finish(`ssh answers with a packet of type ${value.type}`);
          if (value.kind !== "hello") return finish(value);
          bytes = prefix.append(prefix.rest(decoded.length));
        }
      },
      drain() {},
      end: () => finish("ssh ended"),
      close: () => finish("ssh ended"),
    });
  });
}

/** The log names the target as it was asked for; another one may have told of the same target first. */
async function reasonOf(ssh: SshProcess, { host, port }: ProxyTarget, reply: { kind: string; reason?: string }) {
  if (reply.kind === "not_permitted") return `not permitted: ${reply.reason}`;
  for (const until = performance.now() + LOG_DELAY; performance.now() < until; await Bun.sleep(RETRY)) {
    const refusal = ssh.takeRefusal(`${host}:${port}`);
    if (refusal !== undefined) return refusal;
  }
  return reply.reason ?? "";
}

/** By RFC 4254 section 5.1, and by what the C library of the far end calls its errors. */
const REASONS: readonly (readonly [RegExp, SshFailure["reason"]])[] = [
  [/^administratively prohibited/, "denied"],
  [/^(unknown channel type|resource shortage|not permitted)/, "broken"],
  [/Connection refused/, "refused"],
  [/Name or service not known|No address associated|Name does not resolve|Temporary failure/, "name_not_found"],
  [/timed out/, "connect_timeout"],
  [/Network is unreachable/, "network_unreachable"],
  [/No route to host|Host is unreachable|Host is down/, "host_unreachable"],
];

function failureOf(said: string): SshFailure {
  const reason = REASONS.find(([pattern]) => pattern.test(said))?.[1] ?? "failed";
  return { reason, message: `SSH: ${JSON.stringify(said)}` };
}
