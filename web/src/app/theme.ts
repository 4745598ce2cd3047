import { createTheme, Loader, type MantineColorsTuple } from "@mantine/core";

/** Deep enough that white text on shade 7 has a contrast of 4.5 and more. */
const cord: MantineColorsTuple = [
  "#e9f3ff",
  "#d3e4fb",
  "#a6c6f4",
  "#76a7ed",
  "#4f8ce7",
  "#377be4",
  "#2870d6",
  "#1a5fbf",
  "#1154ac",
  "#004898",
];

export const theme = createTheme({
  primaryColor: "cord",
  primaryShade: { light: 7, dark: 8 },
  colors: { cord },
  defaultRadius: "md",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'DejaVu Sans Mono', 'Liberation Mono', monospace",
  headings: { fontWeight: "650" },
  autoContrast: true,
  cursorType: "pointer",
  // Its name is read out where it has a role.
  components: { Loader: Loader.extend({ defaultProps: { role: "status" } }) },
});
