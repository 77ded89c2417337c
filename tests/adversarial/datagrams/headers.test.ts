/** Bytes that are no datagram of SOCKS5, cut, in fragments and mutated: nothing of them goes on, and the association does. No time is asserted. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { datagramHeader } from "../../support/associated.ts";
import { Scene } from "../../support/scene.ts";
import { mutate } from "../../fuzz/mutate.ts";
import { until } from "../harness.ts";
import { createPrng } from "../prng.ts";
import { datagramStage, tally } from "./stage.ts";

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 50_000 : 2000;

setDefaultTimeout(60_000);

const scene = new Scene();
afterAll(() => scene.close());
const { here, there, withAssociation } = await datagramStage(scene);

describe("what is no datagram of SOCKS5", () => {
  test("fragments are dropped, each of them", () =>
    withAssociation(async (client, proxy) => {
      for (const frag of [1, 2, 0x7f, 0x80, 0xff]) {
        const datagram = Buffer.concat([datagramHeader("127.0.0.1", here.port), Buffer.from("part")]);
        datagram[2] = frag;
        await client.sendRaw(datagram);
      }
      await client.send("127.0.0.1", here.port, "whole");
      await client.answer("whole");
      expect(here.received).toEqual(["whole"]);
      expect(await tally(client, proxy)).toEqual({ sent: 1, received: 1, dropped: 5 });
    }));

  test("every cut of a header is dropped, a header without data is a datagram", () =>
    withAssociation(async (client, proxy) => {
      const header = datagramHeader("127.0.0.1", here.port);
      for (let cut = 0; cut < header.length; cut++) await client.sendRaw(header.subarray(0, cut));
      await client.sendRaw(header);
      await client.answer("");
      expect(here.received).toEqual([""]);
      // An empty datagram is none to the runtime's socket, or is dropped with the others.
      expect((await tally(client, proxy)).sent).toBe(1);
    }));

  test(`${ROUNDS} mutated datagrams: nothing reaches where it may not, and the association goes on`, () =>
    withAssociation(async (client, proxy) => {
      const random = createPrng();
      const seeds = [
        datagramHeader("127.0.0.1", here.port),
        datagramHeader("127.0.0.1", there.port),
        datagramHeader("a.example", 53),
      ];
      for (let round = 0; round < ROUNDS; round++) {
        const seed = Buffer.concat([seeds[random.below(seeds.length)]!, random.bytes(random.below(40))]);
        await client.sendRaw(random.below(10) === 0 ? random.bytes(random.below(80)) : mutate(seed, random));
      }
      const answered = until(
        () => client.received.find(({ data }) => data.toString() === "still here"),
        `seed ${random.seed}`,
      );
      const again = setInterval(() => void client.send("127.0.0.1", here.port, "still here"), 50);
      await answered.finally(() => clearInterval(again));
      expect([random.seed, there.received]).toEqual([random.seed, []]);
      expect((await tally(client, proxy)).dropped).toBeGreaterThan(0);
    }));
});
