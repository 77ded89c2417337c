/** Who is next, when more is asked for than may run. */
import { expect, test } from "bun:test";
import { Turns } from "../../../../lib/identity/turns.ts";

/** Work that ends when it is told to; the log says what began, in order. */
function bench(limits: { atOnce: number; waitingEach: number; waitingInAll: number }) {
  const turns = new Turns(limits);
  const begun: string[] = [];
  const ends = new Map<string, (fail?: Error) => void>();
  const ask = (client: string, name: string) =>
    turns.run(client, () => {
      begun.push(name);
      return new Promise<string>((resolve, reject) =>
        ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error))),
      );
    });
  /** Ends `name` and lets what follows from it happen. */
  const end = async (name: string, error?: Error) => {
    ends.get(name)!(error);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { begun, ask, end };
}

const WIDE = { atOnce: 1, waitingEach: 100, waitingInAll: 100 };

test("no more run at a time than may, and each is answered with its own result", async () => {
  const { begun, ask, end } = bench({ ...WIDE, atOnce: 2 });
  const answers = ["1", "2", "3", "4"].map((name) => ask("a", name));
  expect(begun).toEqual(["1", "2"]);
  await end("2");
  expect(begun).toEqual(["1", "2", "3"]);
  await end("1");
  await end("3");
  await end("4");
  expect(await Promise.all(answers)).toEqual(["1", "2", "3", "4"]);
});

test("clients take turns, whatever one of them has asked for before", async () => {
  const { begun, ask, end } = bench(WIDE);
  for (const name of ["a1", "a2", "a3", "a4"]) void ask("a", name);
  for (const name of ["b1", "b2"]) void ask("b", name);
  void ask("c", "c1");
  for (const name of ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]) {
    expect(begun.at(-1)).toBe(name);
    await end(name);
  }
});

test("what one client may have waiting, and all together, is bounded; the rest is told at once", async () => {
  const { ask, end } = bench({ atOnce: 1, waitingEach: 2, waitingInAll: 3 });
  const running = ask("a", "a0");
  void ask("a", "a1");
  void ask("a", "a2");
  expect(await ask("a", "a3")).toBeUndefined();
  void ask("b", "b1");
  expect(await ask("c", "c1")).toBeUndefined();
  await end("a0");
  expect(await running).toBe("a0");
  // A place is free again, for who has none.
  const late = ask("c", "c2");
  for (const name of ["a1", "b1", "a2", "c2"]) await end(name);
  expect(await late).toBe("c2");
});

test("work that fails gives its place on", async () => {
  const { begun, ask, end } = bench(WIDE);
  const first = ask("a", "1").catch((error: Error) => error.message);
  void ask("a", "2");
  await end("1", new Error("broken"));
  expect(await first).toBe("broken");
  expect(begun).toEqual(["1", "2"]);
  await end("2");
  void ask("a", "3");
  expect(begun).toEqual(["1", "2", "3"]);
});
