/** A program for the tests of child.ts: runs its arguments as `portail … -- …` would, under the real signals of this process. */
import { ChildCommand } from "../../../../lib/service/child.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

const [mode, ...words] = process.argv.slice(2);
const env = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== undefined)) as Record<
  string,
  string
>;
const runtime = {
  ...fakeRuntime({ env, cwd: process.cwd() }),
  onSignal(signal: NodeJS.Signals, listener: () => void) {
    process.on(signal, listener);
    return () => process.off(signal, listener);
  },
};
if (mode === "crash") setTimeout(() => process.exit(70), 300);
const status = await new ChildCommand(words, ["WHERE={host}:{port}", "EMPTY="], "--env").run(
  { host: "127.0.0.1", port: "5432", socket: "/run/s" },
  runtime,
);
process.stderr.write(`ended with ${status}\n`);
process.exit(status);
