/** Devices and streams: where operations run. */

import { codedError, rangeError, typeError } from './errors';
import { nodeDevice, setNodeDevice } from './graph/node';
import { cpuDevice, gpuDevice } from './graph/placement';
import type { GpuDescription } from './runtime/addon';
import { addon } from './runtime/binding';
import { devices } from './runtime/devices';
import { describe } from './values/describe';

export type DeviceType = 'cpu' | 'gpu';

/**
 * A device of a kind that may or may not be present; using one that is not is an error.
 *
 * @example
 * new mx.Device('cpu', 0); // Device(cpu, 0)
 */
export class Device {
  constructor(
    readonly type: DeviceType,
    readonly index = 0,
  ) {
    if (type !== 'cpu' && type !== 'gpu') throw typeError('Device', `type must be 'cpu' or 'gpu', not ${describe(type)}`);
    if (!Number.isInteger(index) || index < 0) throw rangeError('Device', `index must be an integer of at least 0, not ${describe(index)}`);
  }

  toString(): string {
    return `Device(${this.type}, ${this.index})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** A queue of a device: what is put into one stream runs in order. */
export class Stream {
  constructor(
    readonly device: Device,
    readonly index: number,
  ) {}

  toString(): string {
    return `Stream(${this.device}, ${this.index})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** What stands last in a call to say where it runs. */
export type StreamOrDevice = Stream | Device;

/** The processor that Node runs on. Always present. */
export const cpu = new Device('cpu');
/** The first GPU. */
export const gpu = new Device('gpu');

/** By their numbers in programs. */
const byNumber: readonly Device[] = [cpu, gpu];

// Real hardware only: software that stands for a GPU in tests is used by those who ask for it.
if (devices().gpu?.emulated === false) setNodeDevice(gpuDevice);

/** What nodes know of a device that is present. */
export function deviceNumber(device: Device): number {
  return device.type === 'gpu' ? gpuDevice : cpuDevice;
}

const defaultStreams = byNumber.map((device, index) => new Stream(device, index));
let streamCount = defaultStreams.length;

function requirePresent(where: string, device: Device): void {
  if (device.type === 'gpu' && devices().gpu === null) throw codedError(where, 'METALGRAD_DEVICE', 'no GPU device is present');
  if (device.index !== 0) {
    throw codedError(where, 'METALGRAD_DEVICE', `there is no ${device}: one ${device.type.toUpperCase()} device is present`);
  }
}

function checkDevice(where: string, device: unknown): asserts device is Device {
  if (!(device instanceof Device)) throw typeError(where, 'device must be a Device');
  requirePresent(where, device);
}

/** The stream that a stream, a device or nothing stands for; an error when its device is not present. */
export function streamFor(where: string, s?: StreamOrDevice | null): Stream {
  if (s === undefined || s === null) return defaultStreams[nodeDevice()];
  if (s instanceof Device) {
    requirePresent(where, s);
    return defaultStreams[deviceNumber(s)];
  }
  if (!(s instanceof Stream)) throw typeError(where, 'a stream must be a Stream or a Device');
  requirePresent(where, s.device);
  return s;
}

/**
 * The device that operations use when none is named: the GPU where there is one, unless another was made the default.
 *
 * @example
 * mx.setDefaultDevice(mx.cpu);
 * mx.defaultDevice(); // Device(cpu, 0)
 */
export function defaultDevice(): Device {
  return byNumber[nodeDevice()];
}

/**
 * Makes `device` the default; an error when it is not present.
 *
 * @example
 * mx.setDefaultDevice(mx.cpu);
 */
export function setDefaultDevice(device: Device): void {
  checkDevice('setDefaultDevice', device);
  setNodeDevice(deviceNumber(device));
}

/**
 * The default stream of a device.
 *
 * @example
 * mx.defaultStream(mx.cpu); // Stream(Device(cpu, 0), 0)
 */
export function defaultStream(device: Device = defaultDevice()): Stream {
  checkDevice('defaultStream', device);
  return defaultStreams[deviceNumber(device)];
}

/**
 * Makes `stream` the default of its device.
 *
 * @example
 * mx.setDefaultStream(mx.defaultStream(mx.cpu));
 */
export function setDefaultStream(stream: Stream): void {
  if (!(stream instanceof Stream)) throw typeError('setDefaultStream', 'stream must be a Stream');
  requirePresent('setDefaultStream', stream.device);
  defaultStreams[deviceNumber(stream.device)] = stream;
}

/**
 * A new stream of a device. Streams of one device run one after the other.
 *
 * @example
 * const stream = mx.newStream(mx.cpu);
 * mx.add([1], [2], stream); // array([3], dtype=float32)
 */
export function newStream(device: Device = defaultDevice()): Stream {
  checkDevice('newStream', device);
  return new Stream(device, streamCount++);
}

/**
 * The stream that a stream, a device (its default stream) or nothing (the default stream) stands for.
 *
 * @example
 * mx.toStream(mx.cpu); // Stream(Device(cpu, 0), 0)
 */
export function toStream(s?: StreamOrDevice): Stream {
  return streamFor('toStream', s);
}

/**
 * Makes a stream or a device the default until the returned scope is disposed.
 *
 * @example
 * {
 *   using _ = mx.stream(mx.cpu);
 *   mx.eval(x.add(1));
 * }
 */
export function stream(s: StreamOrDevice): Disposable {
  const chosen = streamFor('stream', s);
  const number = deviceNumber(chosen.device);
  const formerStream = defaultStreams[number];
  const formerDevice = setNodeDevice(number);
  defaultStreams[number] = chosen;
  return {
    [Symbol.dispose]() {
      setNodeDevice(formerDevice);
      defaultStreams[number] = formerStream;
    },
  };
}

/**
 * Waits until everything that a stream (the default one unless told) was given has run.
 *
 * @example
 * mx.synchronize();
 */
export function synchronize(s?: StreamOrDevice): void {
  streamFor('synchronize', s);
  addon().synchronize();
}

/**
 * What a device is: of the CPU its threads, vector instructions and BLAS with its version; of a GPU its name and what the system tells of it.
 *
 * @throws Error with code METALGRAD_DEVICE for a device that is not present.
 * @example
 * mx.deviceInfo(mx.cpu).threads; // a number of at least 1
 */
export function deviceInfo(device: Device = defaultDevice()): Readonly<Record<string, string | number>> {
  checkDevice('deviceInfo', device);
  if (device.type === 'gpu') {
    const { name, info } = devices().gpu as GpuDescription;
    return { name, ...info };
  }
  const { simd, blas, threads } = addon().describe();
  return { threads, simd, blas };
}
