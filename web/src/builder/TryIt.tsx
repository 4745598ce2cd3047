/** The simulator beside the canvas. */
export function TryIt({ id }: { id: string }) {
  return <div>{id}</div>;
}
