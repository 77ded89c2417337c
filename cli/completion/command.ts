/** `portail completion`: prints the completion script of a shell. The scripts are files of their own under completions/. */

import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { parseChoice } from "../../lib/command/values.ts";
import bash from "../../completions/bash/portail" with { type: "text" };
import fish from "../../completions/fish/portail.fish" with { type: "text" };
import zsh from "../../completions/zsh/_portail" with { type: "text" };

/** Script by shell. */
const SCRIPTS = { bash, zsh, fish } as const;
const SHELLS = ["bash", "zsh", "fish"] as const;

export default defineCommand({
  meta: {
    name: "completion",
    description: "Print the completion script of a shell",
    long: `The script asks portail itself what may come next: commands, flags and the words that they take, and names out of the
files of the command line: the backends of --config FILE, the policies of an access policy, the key ids of a keyring.

It is to be loaded by each shell that starts: bash by eval "$(portail completion bash)" in ~/.bashrc, zsh by the same in
~/.zshrc behind compinit, fish by a file as below.`,
    examples: [
      {
        command: "portail completion bash > portail.bash",
        description: "Keep the script in a file, which bash reads with source",
      },
      {
        command: "portail completion zsh > /usr/local/share/zsh/site-functions/_portail",
        description: "Install it for all users of zsh",
      },
      {
        command: "portail completion fish > ~/.config/fish/completions/portail.fish",
        description: "Install it for yourself in fish",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "it is printed" },
      { status: EXIT.usage, meaning: "there is no script for that shell" },
    ],
  },
  args: {
    shell: { type: "positional", required: true, valueHint: "bash|zsh|fish", description: "The shell" },
  },
  run({ args, data }) {
    data.stdout.write(SCRIPTS[parseChoice("SHELL", args.shell, SHELLS)]);
    return EXIT.done;
  },
});
