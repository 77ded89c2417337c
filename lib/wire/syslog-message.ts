/** Syslog messages (RFC 5424) and their frames on a stream (RFC 6587). Sends nothing. */

export interface SyslogMessage {
  /** 0 to 23 and 0 to 7 (section 6.2.1). */
  facility: number;
  severity: number;
  /** RFC 3339. */
  time: string;
  host: string;
  app: string;
  process: string;
  /** The kind of message. */
  id: string;
  text: string;
}

/** Without structured data; the text is UTF-8 without a mark in front (MSG-ANY of section 6), since JSON has none. */
export function encodeSyslogMessage(message: SyslogMessage): Uint8Array {
  const { facility, severity, time, text } = message;
  const [host, app, process, id] = [
    word(message.host, 255),
    word(message.app, 48),
    word(message.process, 128),
    word(message.id, 32),
  ];
  const head = `<${facility * 8 + severity}>1 ${time} ${host} ${app} ${process} ${id} -`;
  return new TextEncoder().encode(text === "" ? head : `${head} ${text}`);
}

/** Printable ASCII without spaces; `-` is nothing. */
function word(text: string, most: number): string {
  const clean = text.replace(/[^\u0021-\u007e]/g, "").slice(0, most);
  return clean === "" ? "-" : clean;
}

/** Octet counting (RFC 6587 section 3.4.1). */
export function frameSyslogMessage(message: Uint8Array): Uint8Array {
  const length = new TextEncoder().encode(`${message.length} `);
  const frame = new Uint8Array(length.length + message.length);
  frame.set(length);
  frame.set(message, length.length);
  return frame;
}
