/** Begins the connection of a carrier to a target, and says there what is to be said first. */
import { ERRNO, type SocketCalls } from "../../ffi/socket-calls.ts";
import { Asking } from "./asking.ts";
import { Side, type Carried, type Way } from "./carried.ts";

/** A target that is being reached. */
export interface Reached {
  target: Side;
  /** It has taken what was said, all or a part: it is there. */
  taken: boolean;
}

/** For the bytes that `one`'s client has said so far, `opening`. Undefined where it cannot be. */
export function reachTarget(
  calls: SocketCalls,
  one: Carried,
  { address, preface }: Way,
  opening: Uint8Array,
  { mark, round }: { mark: number | undefined; round: number },
): Reached | undefined {
  const fd = calls.socket(address[0]!);
  if (fd < 0) return undefined;
  if (preface !== undefined) one.asking = new Asking(preface());
  const first = one.asking?.first ?? opening;
  // The target that is to speak first waits for our acknowledgement, too.
  if (first.length > 0) calls.acknowledgeWithAnswers(fd);
  const marked = mark === undefined || calls.mark(fd, mark);
  const begun = marked && (calls.connect(fd, address) === 0 || calls.errno() === ERRNO.EINPROGRESS);
  // To a target on this machine it is connected by now; of no bytes at all the same is told.
  const taken = begun ? calls.send(fd, first, first.length) : -1;
  if (taken < 0 && (!begun || calls.errno() !== ERRNO.EAGAIN)) {
    calls.close(fd);
    return undefined;
  }
  const target = new Side(fd, one, "upstream", round);
  if (first.length > 0) target.manner = "addressed";
  if (taken < first.length || taken < 0) target.pending = first.slice(Math.max(0, taken));
  return { target, taken: taken >= 0 };
}
