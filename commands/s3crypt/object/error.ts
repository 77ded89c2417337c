/** What is wrong with an object that cannot be opened: a value of the object's, whoever made it. */

export type ObjectTrouble =
  /** Of no known format. */
  | "header"
  /** It ends too early. */
  | "truncated"
  /** Something in it is not as it was written. */
  | "forged"
  /** The keyring lacks its key. */
  | "unknown_key"
  /** It is not encrypted, where only encrypted objects are taken. */
  | "plaintext"
  /** Nothing in it shows that it ends where it was ended, where that is asked for. */
  | "unproven_end";

export class ObjectError extends Error {
  override readonly name = "ObjectError";
  readonly trouble: ObjectTrouble;

  constructor(trouble: ObjectTrouble, message: string) {
    super(message);
    this.trouble = trouble;
  }
}
