/** PEM (RFC 7468, with the headers of RFC 1421 that keys of old have): text to labelled bytes and back. Knows no labels. */

export interface PemBlock {
  readonly label: string;
  /** What is between the lines, decoded; undefined where it is no base64 or its end is missing. */
  readonly body: Uint8Array | undefined;
  /** Whether it has headers; `DEK-Info` among them says that the body is encrypted. */
  readonly headers: boolean;
  /** As it was found. */
  readonly text: string;
}

/** All blocks of `text`, in order; what stands around them is skipped. Takes time linear in the text. */
export function decodePem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let lines: string[] = [];
  const close = (complete: boolean) => {
    if (label !== undefined) blocks.push(blockOf(label, lines, complete));
    label = undefined;
  };
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = raw.trim();
    const mark = /^-----(BEGIN|END) ([\x20-\x7e]*)-----$/.exec(line);
    if (mark === null) {
      lines.push(line);
    } else if (mark[1] === "BEGIN") {
      close(false);
      label = mark[2]!;
      lines = [];
    } else {
      close(mark[2] === label);
    }
  }
  close(false);
  return blocks;
}

/** One block, as openssl writes it. */
export function encodePem(label: string, body: Uint8Array): string {
  const base64 = Buffer.from(body).toString("base64");
  const lines = base64.match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** Whether `bytes` look like a text in which blocks are to be found. */
export function isPem(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes("-----BEGIN ");
}

function blockOf(label: string, lines: readonly string[], complete: boolean): PemBlock {
  const text = [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
  const headers = lines[0]?.includes(":") ?? false;
  const base64 = lines.slice(headers ? lines.indexOf("") + 1 : 0).join("");
  const sound = complete && base64 !== "" && base64.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(base64);
  return { label, headers, text, body: sound ? Buffer.from(base64, "base64") : undefined };
}
