/** Syslog messages as RFC 5424 shows them, and frames of RFC 6587. */
import { expect, test } from "bun:test";
import { encodeSyslogMessage, frameSyslogMessage } from "../../../../lib/wire/syslog-message.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
/** RFC 5424 section 6.5, example 1, without the mark in front of the text. */
const EXAMPLE =
  "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed for lonvick on /dev/pts/8";
const PARTS = {
  facility: 4,
  severity: 2,
  time: "2003-10-11T22:14:15.003Z",
  host: "mymachine.example.com",
  app: "su",
  process: "",
  id: "ID47",
  text: "'su root' failed for lonvick on /dev/pts/8",
};

test("the example of the specification", () => {
  expect(text(encodeSyslogMessage(PARTS))).toBe(EXAMPLE);
});

test("words hold what they may, and no more of it than they may", () => {
  const wild = { ...PARTS, host: "a b\u00e9\n", app: "x".repeat(60), process: " ", id: "y".repeat(40), text: "" };
  expect(text(encodeSyslogMessage(wild))).toBe(
    `<34>1 2003-10-11T22:14:15.003Z ab ${"x".repeat(48)} - ${"y".repeat(32)} -`,
  );
});

test("a frame counts bytes", () => {
  expect(text(frameSyslogMessage(encodeSyslogMessage(PARTS)))).toBe(`${EXAMPLE.length} ${EXAMPLE}`);
  expect(text(frameSyslogMessage(Buffer.from("é")))).toBe("2 é");
});
