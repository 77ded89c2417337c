/** `Dialect`: what requests to a storage mean, and what is particular about sending them on. The seam between plain (Swift) and S3 mode; does no I/O. */
import type { Bad, BodyDecoder } from "../../../lib/wire/aws-chunked.ts";
import type { RequestHead } from "../../../lib/wire/sigv4-canonical.ts";
import type { ChecksumName, Claimed } from "../checksums.ts";
import type { Exchange } from "./exchange.ts";
import type { Loaded } from "./load.ts";
import type { Trouble } from "./trouble.ts";

/** A request for the storage. `path` is that at the storage, its base in front, and `query` is empty where there is none. */
export interface Asked extends RequestHead {
  /** Whether a `?` was written. */
  readonly hasQuery: boolean;
  /** What of the path the client wrote behind `/upstream/`, or behind the root where the storage is there. */
  readonly rest: string;
  /** Where the client finds the storage: `/upstream/`, or `/`. Both in front of `rest` are the path that it wrote. */
  readonly root: "/upstream/" | "/";
  /** Whether it is for the storage, and not for the proxy itself. */
  readonly isForStorage: boolean;
  /** Bytes of content as the client frames it; undefined in chunks; 0 where there is none. */
  readonly length: number | undefined;
}

/** Of facts, audit and metrics. `operation` is one of S3's names, also of what Swift calls otherwise. */
export interface Subject {
  readonly operation: string;
  /** Absent where there is none, and where it cannot be told for certain. */
  readonly bucket?: string | undefined;
  /** Decoded. */
  readonly key?: string | undefined;
}

/** The content becomes an object: it is encrypted on its way. */
export interface Store {
  readonly kind: "store";
  /** Bytes of plaintext; undefined where they are not known ahead. */
  readonly length: number | undefined;
  /** Takes the client's framing away and verifies it; undefined where the content is the plaintext. */
  readonly decode?: (() => BodyDecoder) | undefined;
  /** What it means that `decode` refuses. */
  readonly wrong?: ((bad: Bad) => Trouble) | undefined;
  /** Checksums that trailers of `decode` will claim: each claimed one must be among them, since it is computed on the way. */
  readonly announced?: readonly ChecksumName[] | undefined;
  /** What the plaintext must be, beside what the trailers of `decode` claim. Held against it before the upload is committed. */
  readonly claims: readonly (Claimed & { readonly wrong: Trouble })[];
}

/** What a content must be, and how it comes. */
export type Expected = Omit<Store, "kind">;

/**
 * `reads`: what is read besides, which a policy must allow as well. `writes`: which part of the object it writes, as a name
 * that no other part of it has; the empty one for a request that is no PUT and makes the object all the same.
 */
export type Action = Subject & { readonly reads?: Subject | undefined; readonly writes?: string | undefined } & (
    | Store
    /** The answer may be an object: it is decrypted. With `part`, only that one of its parts is asked for. */
    | { readonly kind: "read"; readonly part?: number | undefined }
    | { readonly kind: "head"; readonly part?: number | undefined }
    /** Nothing of it is an object: it goes through, its content too where `content` says that it may have some. */
    | { readonly kind: "pass"; readonly content: boolean }
    | { readonly kind: "refuse"; readonly trouble: Trouble }
    /** The dialect answers by itself, by what the exchange gives it: multipart uploads, listings. */
    | {
        readonly kind: "own";
        /** It names keys in its content, which a policy must allow one by one: unless a policy denies it as a whole. */
        readonly decidesKeys?: boolean;
        answer(exchange: Exchange): Promise<void>;
      }
  );

/** An action without its subject. */
export type Meant = Action extends infer A ? (A extends Action ? Omit<A, keyof Subject> : never) : never;

export interface Dialect {
  /** As audit and metrics name it. */
  readonly name: "plain" | "s3";
  /**
   * The name of the field that keeps sealed facts (sealed-facts.ts) beside an object, in lower case. The storage gives
   * it back with GET and HEAD, and with nothing else; clients never see it and cannot set it.
   */
  readonly factsField: string;
  /** As `factsField`: where ds_proxy keeps the size of the plaintext. */
  readonly sizeField?: string | undefined;
  /** Whether a field (in lower case) is about the bytes that one side has and the other has not: it goes neither way. */
  isOurs(lower: string): boolean;
  /** What is asked for. Verifies who asks as well, where the dialect can: what is not proved is refused. */
  classify(asked: Asked): Action;
  /** The last look at a request before it is sent to the storage, `hasContent` or not: whatever must be signed is signed here. */
  outgoing(head: RequestHead, hasContent: boolean): RequestHead;
  /** Until when the right to this upload (of an object, or of a part) holds, in milliseconds since 1970; Infinity where it cannot be read, undefined where it is not bound to a time. */
  expiryOf(asked: Asked): number | undefined;
  /** Puts what was loaded anew in force. */
  use?(loaded: Loaded): void;
  /** How clients of this storage are told of trouble; undefined where they have no form of their own. */
  explain?(trouble: Trouble, asked: Asked): Explained | undefined;
  /** The tag of an encrypted object whose MD5 nobody knows, from the storage's tag; without it there is none. */
  tagFrom?(stored: string): string | undefined;
}

/** An answer in the storage's place. */
export interface Explained {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}
