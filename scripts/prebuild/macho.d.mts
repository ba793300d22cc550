export function readMachO(bytes: Buffer): { readonly architecture: string; readonly signature: string }
