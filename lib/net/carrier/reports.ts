/** Reports of a carrier as one block of numbers and some texts: thousands of them a second cross from thread to thread. */
import type { CarriedEnd, Closed, Moved, Opened, Who } from "./messages.ts";

/** The numbers of each report follow each other, its kind first; texts are those of the reports that have any. */
export interface PackedReports {
  numbers: Float64Array<ArrayBuffer>;
  texts: string[];
}

const OPENED = 0;
const CLOSED = 1;
const MOVED = 2;
const ENDS: readonly CarriedEnd[] = ["client", "upstream", "idle", "lifetime", "half_closed", "cut"];
/** Numbers of a report. */
const WIDTH = 8;
/** For what is absent, which is another thing than empty. */
const ABSENT = -1;

export class ReportPacker {
  #numbers = new Float64Array(512 * WIDTH);
  #length = 0;
  #texts: string[] = [];

  get empty(): boolean {
    return this.#length === 0;
  }

  /** `who` only where anybody wants to know. */
  opened(id: number, way: number, waited: number, who: Who | undefined): void {
    if (who === undefined) {
      this.#put([OPENED, id, way, waited, 0]);
      return;
    }
    const { client, said } = who;
    const { serverName, protocolIds } = said;
    const texts = this.#texts;
    this.#put([
      OPENED,
      id,
      way,
      waited,
      1,
      client.port,
      serverName === undefined ? 0 : 1,
      protocolIds?.length ?? ABSENT,
    ]);
    texts.push(client.ip);
    if (serverName !== undefined) texts.push(serverName);
    // Each for itself: a client may put anything into one.
    if (protocolIds !== undefined) texts.push(...protocolIds);
  }

  moved({ id, sent, received }: Moved): void {
    this.#put([MOVED, id, sent, received]);
  }

  closed({ id, way, lasted, sent, received, by, errno }: Closed): void {
    this.#put([CLOSED, id, way, lasted, sent, received, ENDS.indexOf(by), errno]);
  }

  /** What was packed since the last time. */
  take(): PackedReports {
    const packed = { numbers: this.#numbers.slice(0, this.#length), texts: this.#texts };
    this.#length = 0;
    this.#texts = [];
    return packed;
  }

  #put(report: readonly number[]): void {
    if (this.#length === this.#numbers.length) {
      const before = this.#numbers;
      this.#numbers = new Float64Array(before.length * 2);
      this.#numbers.set(before);
    }
    for (let i = 0; i < report.length; i++) this.#numbers[this.#length + i] = report[i]!;
    this.#length += WIDTH;
  }
}

/** Told what was packed, in the order in which it happened. */
export interface ReportEvents {
  opened(event: Opened): void;
  moved(event: Moved): void;
  closed(event: Closed): void;
}

export function unpackReports({ numbers, texts }: PackedReports, events: ReportEvents): void {
  let next = 0;
  for (let at = 0; at < numbers.length; at += WIDTH) {
    const [id, way, time] = [numbers[at + 1]!, numbers[at + 2]!, numbers[at + 3]!];
    if (numbers[at] === MOVED) {
      events.moved({ id, sent: way, received: time });
      continue;
    }
    if (numbers[at] === CLOSED) {
      const [sent, received, errno] = [numbers[at + 4]!, numbers[at + 5]!, numbers[at + 7]!];
      events.closed({ id, way, lasted: time, sent, received, by: ENDS[numbers[at + 6]!]!, errno });
      continue;
    }
    let who: Who | undefined;
    if (numbers[at + 4] === 1) {
      const client = { ip: texts[next++]!, port: numbers[at + 5]! };
      const serverName = numbers[at + 6] === 1 ? texts[next++] : undefined;
      const count = numbers[at + 7]!;
      const protocolIds = count === ABSENT ? undefined : texts.slice(next, (next += count));
      who = { client, said: { serverName, protocolIds } };
    }
    events.opened({ id, way, waited: time, who });
  }
}
