/** Keys of a `[provider.NAME]` table: where facts come from that no connection tells. What they mean is lib/context. */
import type { ArgDefinitions } from "./define.ts";

const FILE = "Kind file";
const WEB = "Kinds http and grist";
const PROGRAM = "Kind program";
const ASKING = "Asking";

export const providerKeys = {
  kind: {
    type: "string",
    required: true,
    valueHint: "file|http|grist|program",
    description: "What is asked: an inventory file, a web service, a table in Grist, or a program",
  },
  key: {
    type: "string",
    multiple: true,
    required: true,
    valueHint: "FACT",
    description: "The fact that is looked up, e.g. client.user; http and program take several",
  },
  set: {
    type: "string",
    multiple: true,
    required: true,
    valueHint: '"FACT = COLUMN"',
    description:
      "A fact that is filled, and the column (or /JSON/POINTER) it comes from; of a program, which names facts itself, the fact alone",
  },
  timeout: { type: "string", valueHint: "TIME", group: ASKING, description: "How long an answer may take (2s)" },
  ttl: {
    type: "string",
    valueHint: "TIME",
    group: ASKING,
    description: "How long an answer is good (5m); 0 asks anew",
  },
  "negative-ttl": {
    type: "string",
    valueHint: "TIME",
    group: ASKING,
    description: "The same for an answer that knows nothing of the key (30s)",
  },
  stale: {
    type: "string",
    valueHint: "TIME",
    group: ASKING,
    description:
      "For how long after that an old answer counts while there is trouble with the provider (0: not at all)",
  },
  "max-entries": { type: "string", valueHint: "N", group: ASKING, description: "Answers that are remembered (10000)" },
  "max-size": { type: "string", valueHint: "SIZE", group: ASKING, description: "Size of one answer (64K)" },
  "max-outstanding": {
    type: "string",
    valueHint: "N",
    group: ASKING,
    description: "Questions under way at a time; further ones wait for them (32)",
  },
  file: { type: "string", valueHint: "FILE", group: FILE, description: "The inventory: TOML, JSON or CSV" },
  format: {
    type: "string",
    valueHint: "toml|json|csv",
    group: FILE,
    description: "Its format, where the name does not end in .toml, .json or .csv",
  },
  column: {
    type: "string",
    valueHint: "COLUMN",
    group: FILE,
    description:
      "The column that holds the key, also of a table in Grist; not where rows are tables named by their keys",
  },
  rows: {
    type: "string",
    valueHint: "POINTER",
    group: FILE,
    description: "Where the rows are in TOML or JSON, e.g. /users; by default the whole document",
  },
  delimiter: {
    type: "string",
    valueHint: "CHARACTER",
    group: FILE,
    description: "What stands between cells of CSV (,)",
  },
  "list-separator": {
    type: "string",
    valueHint: "CHARACTER",
    group: FILE,
    description: "What stands between the items of a list in a cell of CSV (;)",
  },
  url: {
    type: "string",
    valueHint: "URL",
    group: WEB,
    description: "What to GET: {FACT} is a percent-encoded key, {FACT:json} the same as JSON. Of Grist, the server",
  },
  document: { type: "string", valueHint: "ID", group: WEB, description: "The document in Grist" },
  table: { type: "string", valueHint: "ID", group: WEB, description: "The table in Grist" },
  "token-file": {
    type: "string",
    valueHint: "FILE",
    group: WEB,
    description: "File or credential:NAME with the token of `Authorization: Bearer`",
  },
  "header-file": {
    type: "string",
    multiple: true,
    valueHint: '"NAME: FILE"',
    group: WEB,
    description: "A header of requests, and the file or credential:NAME with its value",
  },
  trust: {
    type: "string",
    valueHint: "NAME",
    group: WEB,
    description: "The [trust.NAME] table that the server is verified against; without it, the system's trust",
  },
  "unsafe-http": {
    type: "boolean",
    group: WEB,
    description: "Ask over http:// beyond loopback, where anybody on the way can change the facts",
  },
  command: {
    type: "string",
    multiple: true,
    valueHint: "WORD",
    group: PROGRAM,
    description: "The program and its arguments, one word each; no shell reads them",
  },
} as const satisfies ArgDefinitions;
