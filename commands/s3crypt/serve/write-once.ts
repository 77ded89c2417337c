/** `WriteOnce`: a registry of rights to upload that were used. Interface only: what keeps it comes with S3 mode. */

export interface WriteOnce {
  /**
   * Takes the right to write `path` (in its canonical spelling) until `expiry`, milliseconds since 1970. False where it
   * was taken. Rejects where the registry does not answer: then the upload is denied, unless the operator said otherwise.
   */
  take(path: string, expiry: number): Promise<boolean>;
  /** Gives it back: the upload came to nothing. */
  give(path: string): Promise<void>;
}
