/** `portail check-acl-syntax`: whether a policy loads, asked as cloud-gouv/portail is asked. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { readReferenceConfig } from "../../lib/command/reference-config.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";

export default defineCommand({
  meta: {
    name: "check-acl-syntax",
    description: "Check that a policy loads, with the flags of cloud-gouv/portail",
    long: `What loads here is what the daemon loads. "portail acl lint" finds more than mistakes of syntax.`,
    examples: [
      { command: "portail check-acl-syntax filter.acl", description: "Check a policy by itself" },
      {
        command: "portail check-acl-syntax -c /etc/portail.toml --json filter.acl",
        description: "Check its backends too, for a program",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "it loads" },
      { status: EXIT.no, meaning: "it does not" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      { status: EXIT.config, meaning: "the configuration is wrong" },
    ],
    foreignConfig: true,
  },
  args: {
    policy: { type: "positional", required: true, valueHint: "ACL_FILE", description: "The policy file" },
    config: {
      type: "string",
      alias: "c",
      valueHint: "FILE",
      description: "The daemon's configuration, which names the backends; without it any may be used",
    },
    json: { type: "boolean", description: "Write JSON for programs" },
  },
  run({ args: { policy: path, config, json }, data: { stdout, stderr } }) {
    const backends = config === undefined ? "any" : [...readReferenceConfig(config).backends.keys()];
    try {
      const { policy, warnings } = readPolicy(path, { backends });
      const { policyCount: policies, routeCount: routes } = policy;
      if (warnings !== "") stderr.write(`${warnings}\n`);
      stdout.write(
        json
          ? `${JSON.stringify({ success: true, policies, routes })}\n`
          : `${path}: ${policies} policies, ${routes} routes\n`,
      );
      return EXIT.done;
    } catch (error) {
      if (!(error instanceof PortailError) || error.code !== "acl.invalid") throw error;
      const { message, detail = message } = error;
      if (json) stdout.write(`${JSON.stringify({ success: false, error: detail })}\n`);
      else stderr.write(`${detail}\n`);
      return EXIT.no;
    }
  },
});
