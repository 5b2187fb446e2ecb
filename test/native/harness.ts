/** Runs hand-made programs on the addon of this test file. */

import { addon, check } from '../../lib/runtime/binding';
import { Storage } from '../../lib/runtime/storage';
import { type Arg, encode, encodeArgs, type ProgramSpec } from './encode';

export type Bytes = ArrayBufferView<ArrayBuffer>;

function bytesOf(view: Bytes): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A buffer that holds a copy of `data`; it lives as long as the storage. */
export function upload(data: Bytes): Storage {
  const storage = new Storage(data.byteLength);
  storage.handle = check('upload', addon().upload(bytesOf(data), storage));
  return storage;
}

/** Copies a buffer into `target` and returns it. */
export function download<T extends Bytes>(storage: Storage, target: T): T {
  check('download', addon().download(storage.handle, 0, bytesOf(target)));
  return target;
}

/** A handle; throws what validation says. */
export function load(program: ProgramSpec): number {
  return check('load', addon().load(encode(program)));
}

/** Runs a loaded program; throws its failure. */
export function run(handle: number, program: ProgramSpec, inputs: readonly Storage[], args: readonly Arg[] = []): Storage[] {
  const owners = program.outputs.map((bytes) => new Storage(bytes));
  const outputs = new Int32Array(owners.length);
  const handles = Int32Array.from(inputs, (input) => input.handle);
  check('run', addon().run(handle, handles, encodeArgs(args), owners, outputs));
  owners.forEach((owner, i) => {
    owner.handle = outputs[i];
  });
  return owners;
}

/** Loads, runs and reads: the outputs as bytes. */
export function runOnce(program: ProgramSpec, inputs: readonly Bytes[], args: readonly Arg[] = []): Uint8Array<ArrayBuffer>[] {
  const handle = load(program);
  const outputs = run(handle, program, inputs.map(upload), args);
  addon().unload(handle);
  return outputs.map((output) => download(output, new Uint8Array(output.byteLength)));
}
