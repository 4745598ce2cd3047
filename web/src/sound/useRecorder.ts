// Recording by the microphone of whoever sits there.

import { useCallback, useEffect, useRef, useState } from "react";
import { mono, trimmed, wavFile } from "./wav";

/** Longer than any announcement; the file stays under 30 MB, which the server takes. */
export const RECORDING_MAX_S = 300;

export type Recording = {
  file: Blob;
  samples: Float32Array;
  seconds: number;
};

export type RecorderState =
  | { kind: "idle" }
  | { kind: "asking" }
  | { kind: "recording"; since: number }
  | { kind: "done"; recording: Recording }
  | { kind: "failed"; why: string };

export type Recorder = {
  state: RecorderState;
  begin: () => void;
  /** Ends the recording; what was recorded is `done` a moment later. */
  finish: () => void;
  reset: () => void;
};

export function useRecorder(): Recorder {
  const [state, setState] = useState<RecorderState>({ kind: "idle" });
  const running = useRef<{ recorder: MediaRecorder; stream: MediaStream } | null>(null);
  const isThere = useRef(true);

  const release = useCallback(() => {
    for (const track of running.current?.stream.getTracks() ?? []) {
      track.stop();
    }
    running.current = null;
  }, []);

  // The microphone is let go when the form is left.
  useEffect(() => {
    isThere.current = true;
    return () => {
      isThere.current = false;
      release();
    };
  }, [release]);

  const finish = useCallback(() => {
    if (running.current?.recorder.state === "recording") {
      running.current.recorder.stop();
    }
  }, []);

  const begin = useCallback(async () => {
    setState({ kind: "asking" });
    try {
      const stream = await microphone();
      const recorder = new MediaRecorder(stream);
      running.current = { recorder, stream };
      if (!isThere.current) {
        release();
        return;
      }
      const parts: Blob[] = [];
      const timer = setTimeout(finish, RECORDING_MAX_S * 1000);
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.onstop = () => {
        clearTimeout(timer);
        release();
        read(parts).then(
          (recording) => isThere.current && setState({ kind: "done", recording }),
          () => isThere.current && setState({ kind: "failed", why: "The recording cannot be read." }),
        );
      };
      recorder.start();
      setState({ kind: "recording", since: Date.now() });
    } catch (error) {
      release();
      setState({ kind: "failed", why: whyNot(error) });
    }
  }, [finish, release]);

  const reset = useCallback(() => setState({ kind: "idle" }), []);
  return { state, begin: () => void begin(), finish, reset };
}

async function microphone(): Promise<MediaStream> {
  // Not there over plain http from another machine.
  if (navigator.mediaDevices === undefined) {
    throw new DOMException("", "SecurityError");
  }
  return navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, autoGainControl: true } });
}

/** Why nothing is recorded, and what to do about it. */
export function whyNot(error: unknown): string {
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
      return "The browser may not use the microphone. Allow it for this site – most browsers ask again behind the sign beside the address – and try once more.";
    case "NotFoundError":
      return "There is no microphone. Plug one in, or upload a file.";
    case "NotReadableError":
      return "The microphone is in use by another program. Close that, and try once more.";
    case "SecurityError":
      return "Browsers record only on pages that come over https or from this machine. Ask for a secure address of this server, or upload a file.";
    default:
      return "The microphone cannot be used. Upload a file instead.";
  }
}

/** What browsers record has a form of their own; the server gets a WAVE file. */
async function read(parts: Blob[]): Promise<Recording> {
  const context = new AudioContext();
  try {
    const bytes = await new Blob(parts, { type: parts[0]?.type ?? "" }).arrayBuffer();
    const buffer = await context.decodeAudioData(bytes);
    const channels = Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i));
    const samples = trimmed(mono(channels), buffer.sampleRate);
    return {
      file: wavFile(samples, buffer.sampleRate),
      samples,
      seconds: samples.length / buffer.sampleRate,
    };
  } finally {
    await context.close();
  }
}
