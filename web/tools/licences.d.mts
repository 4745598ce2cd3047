export type Licence = { name: string; version: string; licence: string; text: string };
type Lock = {
  packages: Record<
    string,
    { version?: string; license?: string; dev?: boolean; devOptional?: boolean; optional?: boolean }
  >;
};
export const ALLOWED: string[];
export function isAllowed(licence: string): boolean;
export function productionPackages(
  lock: Lock,
): { path: string; name: string; version: string; licence: string }[];
export function licences(root: string): Licence[];
