import { Anchor } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { isWebAddress } from "./webAddress";

type OutLinkProps = { url: string | null | undefined; children: ReactNode };

/** A link to another system, which opens beside the console; the text alone where there is no address of the web. */
export function OutLink({ url, children }: OutLinkProps) {
  if (!url || !isWebAddress(url)) {
    return <>{children}</>;
  }
  return (
    <Anchor href={url} target="_blank" rel="noreferrer" inherit underline="always">
      {children}{" "}
      <IconExternalLink
        size={14}
        aria-label="(opens beside)"
        role="img"
        style={{ verticalAlign: "text-bottom" }}
      />
    </Anchor>
  );
}
