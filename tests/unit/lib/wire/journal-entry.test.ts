/** Entries of the journal, as systemd's description of the protocol shows them. */
import { expect, test } from "bun:test";
import { encodeJournalEntry } from "../../../../lib/wire/journal-entry.ts";

test("fields on a line each; a value with a line feed has its length in front", () => {
  const entry = encodeJournalEntry([
    ["PRIORITY", "6"],
    ["MESSAGE", "This is a message\nwith newline, é"],
    ["EMPTY", ""],
  ]);
  const value = Buffer.from("This is a message\nwith newline, é");
  const length = Buffer.from([value.length, 0, 0, 0, 0, 0, 0, 0]);
  const expected = [Buffer.from("PRIORITY=6\nMESSAGE\n"), length, value, Buffer.from("\nEMPTY=\n")];
  expect(Buffer.from(entry)).toEqual(Buffer.concat(expected));
});
