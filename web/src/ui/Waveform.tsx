import { Button, Group, Text, useComputedColorScheme } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import WaveSurfer from "wavesurfer.js";
import { api, ask, type Schema } from "../api/client";
import { wavOf } from "../api/prompts";
import { ProblemAlert } from "./ProblemAlert";
import { showLength } from "./times";

/** So many stretches fill the widest form. */
const POINTS = 400;

/** A prompt's sound, seen and played. `version` names its state, so that another file is shown at once. */
export function Waveform({ id, version }: { id: string; version: string }) {
  const peaks = useQuery({
    queryKey: ["prompts", "peaks", id, version],
    queryFn: () =>
      ask(api.GET("/prompts/{id}/peaks", { params: { path: { id }, query: { points: POINTS } } })),
  });
  if (peaks.error) {
    return <ProblemAlert error={peaks.error} retry={() => peaks.refetch()} />;
  }
  return peaks.data ? <Player key={version} id={id} peaks={peaks.data} /> : null;
}

function Player({ id, peaks }: { id: string; peaks: Schema<"Peaks"> }) {
  const box = useRef<HTMLDivElement>(null);
  const wave = useRef<WaveSurfer | null>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const isDark = useComputedColorScheme("light") === "dark";
  useEffect(() => {
    if (box.current === null) {
      return;
    }
    const surfer = WaveSurfer.create({
      container: box.current,
      height: 72,
      waveColor: isDark ? "#828a93" : "#8a939c",
      progressColor: isDark ? "#76a7ed" : "#1a5fbf",
      cursorColor: isDark ? "#e9ecef" : "#212529",
      normalize: true,
      // With the peaks at hand nothing is decoded here.
      url: wavOf(id),
      peaks: [peaks.peaks],
      duration: peaks.lengthMs / 1000,
      cspNonce: document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "",
    });
    surfer.on("play", () => setPlaying(true));
    surfer.on("pause", () => setPlaying(false));
    surfer.on("finish", () => setPlaying(false));
    surfer.on("timeupdate", setAt);
    wave.current = surfer;
    return () => {
      wave.current = null;
      surfer.destroy();
    };
  }, [id, peaks, isDark]);
  return (
    <div>
      <div ref={box} aria-hidden />
      <Group gap="sm" mt="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={
            isPlaying ? <IconPlayerPause size={14} aria-hidden /> : <IconPlayerPlay size={14} aria-hidden />
          }
          onClick={() => wave.current?.playPause()}
        >
          {isPlaying ? "Pause" : "Play"}
        </Button>
        <Text size="sm" c="dimmed">
          {showLength(at * 1000)} of {showLength(peaks.lengthMs)}
        </Text>
      </Group>
    </div>
  );
}
