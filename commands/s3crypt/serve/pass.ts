/** Requests that have no object in them, nor their answers: sent on as they are, and handed back. */
import type { Exchange } from "./exchange.ts";

/** `content`: whether the request may have some. Whoever calls has seen to it that it is no object's. */
export async function pass(x: Exchange, content: boolean): Promise<void> {
  const { method, length } = x.asked;
  if (!content || length === 0) {
    const answer = await x.ask(method, x.fieldsWithout());
    await x.passOn(answer);
    return;
  }
  const sent = x.gateway.upstream.send({ ...x.outgoing(method, x.fieldsWithout(), true), length });
  x.onGone(() => sent.destroy());
  try {
    for (;;) {
      const next = await sent.unlessOver(x.content.next());
      if (next === undefined || next.done || sent.isOver) break;
      await sent.write(next.value);
    }
    if (!sent.isOver) sent.end();
    const answer = await sent.answer();
    answer.on("error", () => {});
    await x.passOn(answer);
    if (!sent.isComplete) sent.destroy();
  } catch (error) {
    sent.destroy();
    throw error;
  }
}
