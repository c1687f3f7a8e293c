/**
 * The catalogue's second half: what goes wrong with the world outside (sockets, streams, frames, optional packages, databases).
 * The rules are those of `errors`.
 */
import { counted, messageOf } from './describe.ts';
import { type Progress, TaskThreadError } from './errors.ts';

/** A second reader (writer, acceptor) came while the first one waits. */
export class BusyError extends TaskThreadError {
  readonly code = 'TT_BUSY';

  constructor(what: string, operation: string) {
    super(`${what} is busy: another ${operation} is already waiting`);
  }
}

/** This side closed the socket, stream or listener before or during the call. */
export class SocketClosedError extends TaskThreadError {
  readonly code = 'TT_SOCKET_CLOSED';
  readonly progress: Progress | undefined;

  constructor(what: string, options?: { cause?: unknown; progress?: Progress }) {
    super(`${what} is closed`, options);
    this.progress = options?.progress;
  }
}

/** The connection broke: a reset, a broken pipe, a route that went away. `cause` is Node's error. */
export class SocketFailedError extends TaskThreadError {
  readonly code = 'TT_SOCKET_FAILED';
  readonly progress: Progress | undefined;

  constructor(what: string, cause: unknown, progress?: Progress) {
    super(`${what} failed: ${messageOf(cause)}`, { cause });
    this.progress = progress;
  }
}

/** An address could not be listened on or connected to. `cause` is Node's error. */
export class AddressError extends TaskThreadError {
  readonly code = 'TT_ADDRESS';
  readonly address: string;

  constructor(operation: 'listen on' | 'connect to' | 'send to', address: string, cause: unknown) {
    super(`cannot ${operation} ${address}: ${messageOf(cause)}`, { cause });
    this.address = address;
  }
}

/** A connection could not be secured: a certificate that is not trusted, nothing that both speak, or a peer without TLS. */
export class TlsHandshakeError extends TaskThreadError {
  readonly code = 'TT_TLS_HANDSHAKE';
  readonly address: string;

  constructor(address: string, cause: unknown) {
    super(`cannot secure the connection to ${address}: ${messageOf(cause)}`, { cause });
    this.address = address;
  }
}

/** The peer ended the stream before all that was asked for had come. */
export class IncompleteReadError extends TaskThreadError {
  readonly code = 'TT_INCOMPLETE_READ';
  /** What had been read until then. */
  readonly bytes: Buffer;

  constructor(bytes: Buffer, expected: string) {
    super(`the stream ended after ${counted(bytes.length, 'byte')}, expected ${expected}`);
    this.bytes = bytes;
  }
}

/** A frame is, or announces that it will be, longer than `maxFrameBytes`. */
export class FrameTooLargeError extends TaskThreadError {
  readonly code = 'TT_FRAME_TOO_LARGE';
  /** The announced length, or the length reached when reading gave up. */
  readonly frameBytes: number;
  readonly maxFrameBytes: number;

  /** `isAtLeast`: the length is known only as far as it was read. */
  constructor(frameBytes: number, maxFrameBytes: number, isAtLeast = false) {
    super(
      `a frame of ${isAtLeast ? 'at least ' : ''}${counted(frameBytes, 'byte')} is over maxFrameBytes (${maxFrameBytes})`,
    );
    this.frameBytes = frameBytes;
    this.maxFrameBytes = maxFrameBytes;
  }
}

/** The bytes do not follow the framing. */
export class MalformedFrameError extends TaskThreadError {
  readonly code = 'TT_MALFORMED_FRAME';

  constructor(framing: string, what: string) {
    super(`malformed ${framing} frame: ${what}`);
  }
}

/** A process of the system could not be started. `cause` is Node's error, or its name when that is all that is known. */
export class ProcessNotStartedError extends TaskThreadError {
  readonly code = 'TT_PROCESS_NOT_STARTED';
  readonly file: string;

  constructor(file: string, cause: unknown) {
    super(`cannot start ${file}: ${typeof cause === 'string' ? cause : messageOf(cause)}`, { cause });
    this.file = file;
  }
}

/** An optional package is needed for what was asked, and it is not installed. */
export class MissingPackageError extends TaskThreadError {
  readonly code = 'TT_MISSING_PACKAGE';

  constructor(packageName: string, neededFor: string, cause?: unknown) {
    super(`${neededFor} needs the package ${packageName}: npm install ${packageName}`, { cause });
  }
}

/** A database thread has ended and left rows unwritten: of signals that it had taken, so nobody else has them. `cause` says why. */
export class RowsUnwrittenError extends TaskThreadError {
  readonly code = 'TT_ROWS_UNWRITTEN';
  readonly file: string;
  readonly rows: number;
  readonly #signals: readonly unknown[];

  constructor(file: string, rows: number, signals: readonly unknown[], cause: unknown) {
    super(`${counted(rows, 'row')} taken and not written into database ${file}: ${messageOf(cause)}`, { cause });
    this.file = file;
    this.rows = rows;
    this.#signals = signals;
  }

  /** Those whose rows they are, in the order sent. A getter, so that whoever logs the error does not write all of them out. */
  get signals(): readonly unknown[] {
    return this.#signals;
  }
}

/** The database could not be opened or written. `cause` is the driver's error. */
export class DatabaseFailedError extends TaskThreadError {
  readonly code = 'TT_DATABASE_FAILED';
  readonly file: string;

  constructor(operation: string, file: string, cause: unknown) {
    super(`cannot ${operation} database ${file}: ${messageOf(cause)}`, { cause });
    this.file = file;
  }
}
