/** The far side of json-lines.ts, for Node and Bun: answers requests, a JSON object a line, many at a time. Knows no storage. */
import { createInterface } from "node:readline";

/** Each of `operations` takes a request's arguments and resolves with what JSON can say. */
export function serve(operations) {
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const { id, operation, args } = JSON.parse(line);
    const say = (answer) => process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`);
    try {
      say({ value: await operations[operation](...args) });
    } catch (error) {
      say({
        error: { name: error.name, code: error.code, status: error.$metadata?.httpStatusCode, message: error.message },
      });
    }
  });
}
