/** One call of a Varlink method over a UNIX socket, from the connection to the last reply. */
import { EXIT, PortailError } from "../command/errors.ts";
import { IGNORE } from "../net/conn.ts";
import { DialError, Dialer } from "../net/dial.ts";
import { KeepAlive } from "../net/keep-alive.ts";
import {
  decodeReply,
  encodeCall,
  VarlinkBreach,
  VarlinkFrames,
  type JsonObject,
  type VarlinkReply,
} from "../wire/varlink.ts";

export interface VarlinkRequest {
  /** With its interface. */
  readonly method: string;
  readonly parameters: JsonObject;
  /** Takes each reply before the last; without it there is only one. */
  readonly more?: (parameters: JsonObject) => void;
}

/** Bytes of a reply. */
const MOST_REPLY = 64 * 1024 * 1024;
/** Milliseconds for the connection, and between two replies. */
const PATIENCE = 30_000;

/** The last reply. Throws `PortailError` (`control.unreachable`, `control.broken`; 69 or 77) where there is none. */
export async function callVarlink(path: string, { method, parameters, more }: VarlinkRequest): Promise<VarlinkReply> {
  const conn = await new Dialer(PATIENCE, new KeepAlive(0)).openUnix(path);
  if (conn instanceof DialError) throw unreachable(path, conn);
  const frames = new VarlinkFrames(MOST_REPLY);
  const { promise, resolve, reject } = Promise.withResolvers<VarlinkReply>();
  const fail = (why: string) => reject(broken(path, why));
  const timer = setTimeout(() => fail("no answer came"), PATIENCE);
  const take = (message: Uint8Array) => {
    const reply = decodeReply(message);
    if (reply instanceof VarlinkBreach) fail(reply.reason);
    else if (!reply.continues) resolve(reply);
    else if (more === undefined) fail("several replies, where one was asked for");
    else more(reply.parameters);
  };
  conn.attach({
    ...IGNORE,
    data(chunk) {
      timer.refresh();
      const messages = frames.push(chunk);
      if (messages instanceof VarlinkBreach) fail(messages.reason);
      else for (const message of messages) take(message);
    },
    end: () => fail("it ended the connection"),
    close: () => fail("it closed the connection"),
  });
  conn.write(encodeCall(method, parameters, { more: more !== undefined }));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    conn.attach(IGNORE);
    conn.destroy();
  }
}

function unreachable(path: string, { message }: DialError): PortailError {
  const denied = message === "EACCES" || message === "EPERM";
  return new PortailError(`cannot connect to ${JSON.stringify(path)}: ${message}`, {
    code: "control.unreachable",
    exit: denied ? EXIT.noPrivilege : EXIT.unavailable,
    hint: denied
      ? "the socket's permissions do not let this user in"
      : "is the daemon running, and was it given this address to take orders at?",
  });
}

function broken(path: string, why: string): PortailError {
  return new PortailError(`${JSON.stringify(path)} did not answer as it should: ${why}`, {
    code: "control.broken",
    exit: EXIT.unavailable,
    hint: "look into the log of the daemon",
  });
}
