/** The thread of a carrier: takes orders in turn with carrying. Knows no way to decide. */
import { openSocketCalls } from "../../ffi/socket-calls.ts";
import { parseIp } from "../../wire/ip.ts";
import type { Guide } from "./carried.ts";
import { Engine } from "./engine.ts";
import type { Order, Told } from "./messages.ts";
import { encodeAddress } from "./sockaddr.ts";

declare const self: {
  postMessage(message: Told): void;
  addEventListener(kind: "message", heard: (event: { data: Order }) => void): void;
};

/** Serves as the thread; `compile` makes a guide of what the orders hold for a place. */
export function serveCarrier(compile: (ways: unknown) => Guide): void {
  const calls = openSocketCalls();
  if (calls === undefined) throw new Error("there is no C library to carry with");
  const places = new Map<number, Guide>();
  let engine: Engine | undefined;
  /** Orders that were announced, and that came. */
  let announced = 0;
  let obeyed = 0;
  const carry = () => {
    // What is announced comes as an event, for which this has to return.
    for (;;) {
      if (engine === undefined || announced > obeyed) return;
      announced += engine.run();
    }
  };
  const obey = (order: Order) => {
    switch (order.kind) {
      case "begin":
        engine = new Engine({
          calls,
          settings: order.settings,
          wake: order.wake,
          guideOf: (place) => places.get(place)!,
          handOver: (client) => self.postMessage({ kind: "over", client }),
          report: (reports) => self.postMessage({ kind: "reports", reports }),
        });
        break;
      case "ways":
        places.set(order.place, compile(order.ways));
        break;
      case "listen":
        engine?.listen(order.place, order.fd);
        break;
      case "return": {
        const { place, fd, ip, port, accepted } = order.client;
        engine?.take({ place, fd, from: encodeAddress({ ip: parseIp(ip)!, port }), accepted });
        break;
      }
      case "unlisten":
        engine?.unlisten(order.place);
        break;
      case "hold":
        engine?.hold(order.held);
        break;
      case "drain":
        engine?.drain(order.ways);
        break;
      case "cut":
        engine?.cut();
        break;
      case "end":
        engine?.cut();
        break;
    }
    engine?.flush();
    if (order.kind === "end") {
      engine?.close();
      engine = undefined;
    }
    self.postMessage({ kind: "done", order: order.kind });
  };
  self.addEventListener("message", ({ data }) => {
    obey(data);
    obeyed++;
    setImmediate(carry);
  });
}
