/** Devices and streams: where operations run. This build has the CPU device. */

import { codedError, rangeError, typeError } from './errors';
import { addon } from './runtime/binding';
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

let currentDevice: Device = cpu;
let streamCount = 1;
let cpuStream = new Stream(cpu, 0);

function requirePresent(where: string, device: Device): void {
  if (device.type === 'gpu') throw codedError(where, 'METALGRAD_DEVICE', 'no GPU device is present');
  if (device.index !== 0) throw codedError(where, 'METALGRAD_DEVICE', `there is no ${device}: one CPU device is present`);
}

/** The stream that a stream, a device or nothing stands for; an error when its device is not present. */
export function streamFor(where: string, s?: StreamOrDevice | null): Stream {
  if (s === undefined || s === null) return cpuStream;
  if (s instanceof Device) {
    requirePresent(where, s);
    return cpuStream;
  }
  if (!(s instanceof Stream)) throw typeError(where, 'a stream must be a Stream or a Device');
  requirePresent(where, s.device);
  return s;
}

/**
 * The device that operations use when none is named.
 *
 * @example
 * mx.defaultDevice(); // Device(cpu, 0)
 */
export function defaultDevice(): Device {
  return currentDevice;
}

/**
 * Makes `device` the default; an error when it is not present.
 *
 * @example
 * mx.setDefaultDevice(mx.cpu);
 */
export function setDefaultDevice(device: Device): void {
  if (!(device instanceof Device)) throw typeError('setDefaultDevice', 'device must be a Device');
  requirePresent('setDefaultDevice', device);
  currentDevice = device;
}

/**
 * The default stream of a device.
 *
 * @example
 * mx.defaultStream(mx.cpu); // Stream(Device(cpu, 0), 0)
 */
export function defaultStream(device: Device = currentDevice): Stream {
  if (!(device instanceof Device)) throw typeError('defaultStream', 'device must be a Device');
  requirePresent('defaultStream', device);
  return cpuStream;
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
  cpuStream = stream;
}

/**
 * A new stream of a device.
 *
 * @example
 * const stream = mx.newStream(mx.cpu);
 * mx.add([1], [2], stream); // array([3], dtype=float32)
 */
export function newStream(device: Device = currentDevice): Stream {
  if (!(device instanceof Device)) throw typeError('newStream', 'device must be a Device');
  requirePresent('newStream', device);
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
  const formerDevice = currentDevice;
  const formerStream = cpuStream;
  cpuStream = streamFor('stream', s);
  currentDevice = cpuStream.device;
  return {
    [Symbol.dispose]() {
      currentDevice = formerDevice;
      cpuStream = formerStream;
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

/** The functions that concern Metal; without a Metal device they say so. */
export const metal = {
  /** Whether a Metal device is present. */
  isAvailable(): boolean {
    return false;
  },
  /** Properties of the Metal device. */
  deviceInfo(): Record<string, string | number> {
    throw codedError('metal.deviceInfo', 'METALGRAD_DEVICE', 'no Metal device is present');
  },
  /** Starts a capture of GPU work into a file. */
  startCapture(_path: string): void {
    throw codedError('metal.startCapture', 'METALGRAD_DEVICE', 'no Metal device is present');
  },
  /** Ends the capture. */
  stopCapture(): void {
    throw codedError('metal.stopCapture', 'METALGRAD_DEVICE', 'no Metal device is present');
  },
};
