export function runsBuild(command: string): boolean
export function isHookOfBuild(): boolean
