/** Ends a sound, and lets go of what was made for it alone. */
export function forget(audio: HTMLAudioElement | null): void {
  audio?.pause();
  if (audio?.src.startsWith("blob:")) {
    URL.revokeObjectURL(audio.src);
  }
}
