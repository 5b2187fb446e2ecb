/** The JavaScript side of one native buffer: while it is reachable, the buffer lives. */

/** Owner of a native buffer. The addon watches it weakly and frees the buffer once it is collected. */
export class Storage {
  /** 0 once disposed. */
  handle = 0;
  constructor(readonly byteLength: number) {}
}
