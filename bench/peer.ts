/** A peer is another process that answers one JSON line for each JSON line: prepare a case, run it for a turn, tell its time. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

interface Answer {
  readonly versions?: string;
  readonly missing?: string;
  readonly ms?: number;
}

/** How long a turn is, in milliseconds. */
export interface Turn {
  /** Before it: nobody runs. */
  readonly pause: number;
  /** Runs that do not count. */
  readonly warm: number;
  readonly counted: number;
}

export class Peer {
  private readonly waiting: ((answer: Answer) => void)[] = [];
  private errors = '';
  private ended = false;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    createInterface({ input: child.stdout }).on('line', (line) => this.waiting.shift()?.(JSON.parse(line) as Answer));
    child.stderr.on('data', (data) => {
      this.errors = (this.errors + String(data)).slice(-2000);
    });
    const end = () => {
      this.ended = true;
      for (const resolve of this.waiting.splice(0)) resolve({ missing: this.errors.trim().split('\n').at(-1) ?? 'it ended' });
    };
    child.on('error', (error) => {
      this.errors += error.message;
      end();
    });
    child.on('exit', end);
  }

  /** Starts a peer; the reason it is missing, if it is. */
  static async start(
    name: string,
    command: string,
    args: readonly string[],
  ): Promise<{ peer: Peer; versions: string } | { missing: string }> {
    const peer = new Peer(name, spawn(command, args, { stdio: 'pipe' }) as ChildProcessWithoutNullStreams);
    const answer = await peer.ask({ command: 'hello' });
    if (answer.missing !== undefined) {
      peer.stop();
      return { missing: answer.missing };
    }
    return { peer, versions: answer.versions ?? '' };
  }

  /** Null when the peer has the line ready, else why not. */
  async prepare(line: string): Promise<string | null> {
    return (await this.ask({ command: 'prepare', line })).missing ?? null;
  }

  /** Milliseconds of a run, in one turn. */
  async turn(line: string, { warm, counted }: Turn): Promise<number> {
    const answer = await this.ask({ command: 'turn', line, warm, counted });
    if (answer.ms === undefined) throw new Error(`${this.name} failed in ${line}: ${answer.missing}`);
    return answer.ms;
  }

  stop(): void {
    this.child.kill();
  }

  private ask(question: object): Promise<Answer> {
    if (this.ended) return Promise.resolve({ missing: this.errors.trim() || 'it ended' });
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.child.stdin.write(`${JSON.stringify(question)}\n`);
    });
  }
}
