/** One run of a loaded plan: buffers made, errors told, a failed allocation tried again after a collection. */

import type { Plan } from '../schedule/plan';
import { addonStatus } from './addon';
import { addon, check, statusError } from './binding';
import { collectEverything, collectIfNeeded } from './policy';
import { Storage } from './storage';

/** Asynchronous runs that belong together. */
export class Flight {
  private inFlight = 0;
  private failure: Error | null = null;
  private settle: (() => void) | null = null;

  constructor(private readonly where: string) {}

  /** Counts a run; the returned function is told how it ended. */
  begin(outputs: readonly Storage[]): (status: number, message: string) => void {
    this.inFlight++;
    return (status, message) => {
      this.inFlight--;
      if (status < 0) {
        this.failure ??= statusError(this.where, status, message);
        // What was not computed must not be read.
        for (const storage of outputs) storage.handle = 0;
      }
      if (this.inFlight === 0) this.settle?.();
    };
  }

  /** Takes back the count of a run that did not start. */
  cancel(): void {
    this.inFlight--;
  }

  /** Resolves when all runs have ended; rejects if one failed. */
  async landed(): Promise<void> {
    if (this.inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.settle = resolve;
      });
    }
    if (this.failure !== null) throw this.failure;
  }
}

/** A plan's program on the device; 0 where there is nothing to run. */
export function load(plan: Plan, where: string): number {
  return plan.outputBytes.length === 0 ? 0 : check(where, addon().load(plan.words));
}

/** Runs a plan whose frame is filled, with the first handles as its inputs; returns the new storages. */
export function execute(plan: Plan, program: number, handles: Int32Array, where: string, flight: Flight | null): Storage[] {
  const { outputBytes } = plan;
  const storages = new Array<Storage>(outputBytes.length);
  if (program === 0) return storages;
  let bytes = 0;
  for (let i = 0; i < storages.length; i++) {
    storages[i] = new Storage(outputBytes[i]);
    bytes += outputBytes[i];
  }
  collectIfNeeded(bytes, storages.length);
  const inputs = handles.subarray(0, plan.inputs);
  const outputs = new Int32Array(storages.length);
  let status = launch(plan, program, inputs, storages, outputs, flight);
  if (status === addonStatus.outOfMemory) {
    collectEverything();
    status = launch(plan, program, inputs, storages, outputs, flight);
  }
  check(where, status);
  for (let i = 0; i < storages.length; i++) storages[i].handle = outputs[i];
  return storages;
}

function launch(plan: Plan, program: number, inputs: Int32Array, storages: Storage[], outputs: Int32Array, flight: Flight | null): number {
  const { values } = plan.frame;
  if (flight === null) return addon().run(program, inputs, values, storages, outputs);
  const status = addon().runAsync(program, inputs, values, storages, outputs, flight.begin(storages));
  if (status < 0) flight.cancel();
  return status;
}
