/** Shells at a terminal, in which portail's completion is installed as its help says. Knows no command. */
import { TerminalProgram } from "./terminal.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;

type ShellName = (typeof SHELLS)[number];

/** Shows the words of a command line, each in angle brackets; what is typed has no such line. */
const SHOW = `printf '=['; printf '<%s>' "$@"; printf ']=\\n'`;

const START: Record<ShellName, { rc: string; command: (rc: string) => string[] }> = {
  bash: {
    rc: `PS1='ready> '; eval "$(portail completion bash)"; show() { ${SHOW}; }\n`,
    command: (rc) => ["bash", "--noprofile", "--rcfile", rc, "-i"],
  },
  zsh: {
    rc: `PS1='ready> '; mkdir site; portail completion zsh > site/_portail; fpath=($PWD/site $fpath)
autoload -Uz compinit; compinit -u -D; show() { ${SHOW}; }\n`,
    command: () => ["zsh", "--no-globalrcs", "-i"],
  },
  fish: {
    rc: `portail completion fish | source; function show; ${SHOW.replace('"$@"', "$argv")}; end
function fish_prompt; printf 'ready> '; end; function fish_greeting; end\n`,
    command: (rc) => ["fish", "--no-config", "--init-command", `source ${rc}`, "-i"],
  },
};

export class Shell {
  readonly #terminal: TerminalProgram;

  private constructor(terminal: TerminalProgram) {
    this.#terminal = terminal;
  }

  /** In the scene's folder, with `path` as its PATH. */
  static async open(scene: Scene, name: ShellName, path: string): Promise<Shell> {
    const { rc, command } = START[name];
    const file = scene.write(`home-${name}/.${name}rc`, rc);
    const home = scene.mkdir(`home-${name}`);
    const env = { PATH: path, HOME: home, ZDOTDIR: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, NO_COLOR: "" };
    const terminal = new TerminalProgram(scene, command(file), env);
    await terminal.shows(/ready> /);
    return new Shell(terminal);
  }

  /** Types `line`, in which \t asks for completion, and returns the words that it has become. */
  async completed(line: string): Promise<string[]> {
    const from = this.#terminal.screen.length;
    this.#terminal.type(`${line}\x01show \r`);
    const found = await until(
      () => `${line}: ${JSON.stringify(this.#terminal.screen.slice(from))}`,
      () => /=\[<(.*)>\]=/.exec(this.#terminal.screen.slice(from)) ?? undefined,
    );
    return found[1]!.split("><");
  }

  /** Types `line` and takes it back when the screen matches. */
  async lists(line: string, pattern: RegExp): Promise<void> {
    const from = this.#terminal.screen.length;
    this.#terminal.type(line);
    await until(
      () => `${line}: ${JSON.stringify(this.#terminal.screen.slice(from))}`,
      () => pattern.exec(this.#terminal.screen.slice(from)) ?? undefined,
    );
    this.#terminal.type("\x03");
  }

  get screen(): string {
    return this.#terminal.screen;
  }
}
