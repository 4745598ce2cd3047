/** Made by vite.config.ts. */
declare module "virtual:licences" {
  export const licences: import("../../../tools/licences.mjs").Licence[];
}
