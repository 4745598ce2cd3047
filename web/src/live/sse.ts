/** An event of a stream of server-sent events. */
export type StreamMessage = { id: string; event: string; data: string };

/** Takes the text of a stream in whatever pieces it comes, and gives the events that are whole. */
export class StreamReader {
  private rest = "";
  private id = "";
  private event = "";
  private data: string[] = [];

  feed(text: string): StreamMessage[] {
    const messages: StreamMessage[] = [];
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (this.data.length > 0) {
          messages.push({ id: this.id, event: this.event || "message", data: this.data.join("\n") });
        }
        this.event = "";
        this.data = [];
      } else {
        this.field(line);
      }
    }
    return messages;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") {
      this.data.push(value);
    } else if (name === "event") {
      this.event = value;
    } else if (name === "id") {
      // As the standard has it, the id stands until another comes.
      this.id = value;
    }
  }
}
