/** A small command tree for tests of the runner: a leaf, a nested leaf, one that fails on demand. Not portail's own tree. */

import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { defineCommand, defineGroup, type Group } from "../../../lib/command/define.ts";
import { configFlags } from "../../../lib/command/flags.ts";

/** What `run` of a leaf was given. */
export interface Call {
  command: string;
  args: unknown;
  config: unknown;
}

/** A tree named `portail` that records calls in `calls` and imports in `loads`. */
export function fakeTree(calls: Call[] = [], loads: string[] = []): Group {
  const serve = defineCommand({
    meta: {
      name: "serve",
      description: "Serve things to programs that ask for them over a network that nobody trusts",
      long: "A first paragraph.\n\nA second one.",
      examples: [{ command: "portail serve --listen 127.0.0.1:1", description: "Serve this machine" }],
      exits: [
        { status: EXIT.done, meaning: "drained" },
        { status: EXIT.no, meaning: "drain cut short" },
      ],
      tables: ["backend"],
    },
    args: {
      listen: { type: "string", multiple: true, env: "LISTEN", valueHint: "ADDRESS", description: "Where to listen" },
      acl: { type: "string", required: true, valueHint: "FILE", description: "Policy" },
      color: { type: "boolean", default: true, description: "Use colour" },
      "drain-timeout": { type: "string", default: "30s", alias: "t", group: "Life", description: "How long to wait" },
      debug: { type: "boolean", hidden: true, description: "Not for people" },
      ...configFlags,
    },
    run({ args, config }) {
      calls.push({ command: "serve", args, config });
      return EXIT.done;
    },
  });
  const check = defineCommand({
    meta: {
      name: "check",
      description: "Check a policy",
      examples: [],
      exits: [{ status: EXIT.no, meaning: "it is wrong" }],
    },
    args: {
      policy: { type: "positional", required: true, description: "The policy" },
      cases: { type: "positional", multiple: true, description: "Its cases" },
    },
    run({ args, data }) {
      calls.push({ command: "check", args, config: undefined });
      data.stdout.write("data\n");
      if (args.policy === "refused") {
        throw new PortailError('"refused" is no policy', {
          code: "acl.x",
          exit: EXIT.badData,
          hint: "try\u001b[0m another",
          detail: "a frame",
        });
      }
      if (args.policy === "bug") throw new TypeError("undefined is not a policy");
      return EXIT.no;
    },
  });
  const policies = defineGroup({
    meta: { name: "policy", description: "Work with policies" },
    commands: {
      check: async () => {
        loads.push("check");
        return check;
      },
    },
  });
  return defineGroup({
    meta: { name: "portail", description: "A tree for tests" },
    commands: {
      serve: async () => {
        loads.push("serve");
        return serve;
      },
      policy: async () => {
        loads.push("policy");
        return policies;
      },
    },
  });
}
